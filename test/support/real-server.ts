import { join } from "node:path";
import { Engine } from "../../src/engine/engine.ts";
import type { Store } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import type { NamespaceIndex } from "../../src/engine/query/candidates.ts";
import { SystemClock } from "../../src/host/clock.ts";
import { systemRandom } from "../../src/host/random.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";
import { backendHash, openStore } from "../../src/storage/open.ts";

export interface RealServer {
  readonly url: string;
  readonly server: RunningServer;
  /** Drains for at most `drainGraceMs`, then stops server and engine. */
  stop(): Promise<void>;
}

/**
 * A server over an engine of its own: on a free loopback port, and for a directory also on the
 * socket inside it.
 */
export async function startRealServer(options: {
  readonly directory?: string;
  readonly drainGraceMs?: number;
  readonly bodyIdleTimeoutMs?: number;
  readonly jsonBytesMax?: number;
  readonly index?: (store: Store) => NamespaceIndex;
}): Promise<RealServer> {
  const { directory, drainGraceMs = 0, bodyIdleTimeoutMs = 0 } = options;
  const { jsonBytesMax = 100 * 1024 * 1024 } = options;
  const url = directory === undefined ? "mem://" : `disk://${directory}`;
  const clock = new SystemClock();
  const random = systemRandom();
  const store = await openStore(url, { gear: "exclusive" });
  const engine = new Engine({
    store,
    index: options.index?.(store),
    transactions: { backendHash: await backendHash({ store, storeUrl: url, random }) },
    clock,
    random,
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1_800,
    acquireBlockSeconds: 60,
  });
  const socket =
    directory === undefined
      ? []
      : [{ proto: "unix" as const, path: join(directory, "lockd.sock") }];
  const server = await startServer({
    lockd: engine,
    clock,
    random,
    telemetry: silentTelemetry,
    listeners: [{ proto: "tcp", host: "127.0.0.1", port: 0 }, ...socket],
    drainGraceMs,
    shutdownTimeoutMs: 1_000,
    bodyIdleTimeoutMs,
    onBug: (error) => {
      throw error;
    },
  });
  return {
    url: server.endpoints[0] ?? "",
    server,
    async stop() {
      await server.stop();
      await engine.close();
    },
  };
}
