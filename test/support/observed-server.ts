import { Observers } from "../../src/cli/serve/observers.ts";
import { Engine } from "../../src/engine/engine.ts";
import { silentTelemetry, type Telemetry } from "../../src/engine/ports/telemetry.ts";
import { SegmentStore } from "../../src/engine/query/index/segments/segment-store.ts";
import { StoreIndex } from "../../src/engine/query/index/store-index.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { parseOtlpEndpoint } from "../../src/host/otlp/otlp-endpoint.ts";
import { systemRandom } from "../../src/host/random.ts";
import { startServer } from "../../src/server/server.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";

export interface ObservedServer {
  readonly url: string;
  /** The whole page of metrics. */
  scrape(): Promise<string>;
  stop(): Promise<void>;
}

/** A server as `lockd serve` puts it together, with metrics and, if asked for, traces. */
export async function startObservedServer(
  options: { readonly otlp?: string; readonly telemetry?: Telemetry } = {},
): Promise<ObservedServer> {
  const [clock, random] = [new SystemClock(), systemRandom()];
  const addresses: string[] = [];
  const told = options.telemetry ?? silentTelemetry;
  const observers = await Observers.open({
    plan: {
      metricsListen: { proto: "tcp", host: "127.0.0.1", port: 0 },
      profilingMetrics: false,
      otlpEndpoint: options.otlp === undefined ? undefined : parseOtlpEndpoint(options.otlp),
    },
    version: "1.2.3",
    defaultNamespace: "default",
    telemetry: {
      ...told,
      info: (sys, event, fields) => {
        if (event === "metrics.listening") addresses.push(String(fields?.address));
        told.info(sys, event, fields);
      },
    },
  });
  const { telemetry, measures } = observers;
  const store = await observers.store(new MemoryStore());
  const ports = { store, clock, random, telemetry };
  const terms = new SegmentStore(ports);
  const index = new StoreIndex({ ...ports, measures, terms, publishes: true });
  const engine = new Engine({
    ...ports,
    index,
    defaultNamespace: "default",
    jsonBytesMax: 1024 * 1024,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1_800,
    acquireBlockSeconds: 60,
  });
  await observers.listen({
    lockd: engine,
    indexBacklog: () => index.backlog(),
    draining: () => false,
  });
  const server = await startServer({
    lockd: await observers.lockd(engine),
    clock,
    random,
    telemetry,
    observer: observers.requests,
    listeners: [{ proto: "tcp", host: "127.0.0.1", port: 0 }],
    drainGraceMs: 0,
    shutdownTimeoutMs: 1_000,
    bodyIdleTimeoutMs: 0,
    onBug: (error) => {
      throw error;
    },
  });
  return {
    url: server.endpoints[0] ?? "",
    scrape: async () => (await fetch(`${addresses[0]}/metrics`)).text(),
    async stop() {
      await server.stop();
      await observers.unlisten();
      await engine.close();
      await observers.stop();
    },
  };
}
