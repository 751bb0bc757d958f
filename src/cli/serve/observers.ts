/**
 * Metrics and traces of a server, each loaded only when it was asked for. What is not asked for
 * costs nothing: then the store, the engine and the routes are the bare ones.
 */
import type { ServedLockd } from "../../api/lockd.ts";
import type { Store } from "../../engine/ports/store.ts";
import type { Telemetry } from "../../engine/ports/telemetry.ts";
import type { Tracing } from "../../engine/ports/tracing.ts";
import type { LockdMetrics } from "../../server/metrics/lockd-metrics.ts";
import type { IndexBacklog, MeteredEngine } from "../../server/metrics/looked-at.ts";
import type { RequestObserver } from "../../server/observe/request-observer.ts";
import type { AroundStoreCall } from "../../storage/decorators/observed-store.ts";
import type { ListenPlan, ServePlan } from "./serve-plan.ts";

export interface ObserversInput {
  readonly plan: Pick<ServePlan, "metricsListen" | "profilingMetrics" | "otlpEndpoint">;
  readonly version: string;
  readonly defaultNamespace: string;
  readonly telemetry: Telemetry;
}

export interface Scraped {
  readonly lockd: MeteredEngine;
  readonly indexBacklog: () => readonly IndexBacklog[];
  readonly ready: () => boolean;
}

interface OpenMetrics {
  readonly metrics: LockdMetrics;
  readonly listener: ListenPlan;
}

export class Observers {
  /** With the ids of the span a line belongs to. */
  readonly telemetry: Telemetry;
  readonly measures: LockdMetrics | undefined;
  /** Around every request; undefined when nobody looks. */
  readonly requests: RequestObserver | undefined;
  readonly #aroundStore: readonly AroundStoreCall[];
  readonly #tracing: Tracing | undefined;
  readonly #open: OpenMetrics | undefined;
  #listening: { stop(): Promise<void> } | undefined;

  private constructor(parts: {
    readonly telemetry: Telemetry;
    readonly open: OpenMetrics | undefined;
    readonly tracing: Tracing | undefined;
    readonly requests: RequestObserver | undefined;
    readonly aroundStore: readonly AroundStoreCall[];
  }) {
    this.telemetry = parts.telemetry;
    this.requests = parts.requests;
    this.measures = parts.open?.metrics;
    this.#open = parts.open;
    this.#tracing = parts.tracing;
    this.#aroundStore = parts.aroundStore;
  }

  static async open(input: ObserversInput): Promise<Observers> {
    const open = await openMetrics(input);
    const tracing = await openTraces(input);
    const requests: RequestObserver[] = [];
    const aroundStore: AroundStoreCall[] = [];
    let { telemetry } = input;
    if (tracing !== undefined) {
      const { tracedRequests } = await import("../../server/observe/traced-requests.ts");
      const { tracedStoreCalls } = await import("../../storage/decorators/traced-store-calls.ts");
      const { tracedTelemetry } = await import("../../host/otlp/traced-telemetry.ts");
      requests.push(tracedRequests(tracing));
      aroundStore.push(tracedStoreCalls(tracing));
      telemetry = tracedTelemetry(telemetry, tracing);
    }
    if (open !== undefined) {
      const { meteredRequests } = await import("../../server/metrics/metered-requests.ts");
      const { meteredStoreCalls } = await import("../../server/metrics/metered-store-calls.ts");
      requests.push(meteredRequests(open.metrics));
      aroundStore.push(meteredStoreCalls(open.metrics));
    }
    return new Observers({
      telemetry,
      open,
      tracing,
      requests: await together(requests),
      aroundStore,
    });
  }

  /** The store, looked at; the same one when nobody looks. */
  async store(inner: Store): Promise<Store> {
    if (this.#aroundStore.length === 0) return inner;
    const { ObservedStore } = await import("../../storage/decorators/observed-store.ts");
    return this.#aroundStore.reduce((store, around) => new ObservedStore(store, around), inner);
  }

  /** The lockd, counted; the same one when nobody counts. */
  async lockd(inner: ServedLockd): Promise<ServedLockd> {
    if (this.measures === undefined) return inner;
    const { meteredLockd } = await import("../../server/metrics/metered-lockd.ts");
    return meteredLockd(inner, this.measures);
  }

  /** Begins to answer scrapes, if that was asked for. @throws listen_failed */
  async listen(scraped: Scraped): Promise<void> {
    const { telemetry } = this;
    if (this.#open === undefined) return;
    const { startMetrics } = await import("../../server/metrics/metrics-server.ts");
    const { MachineLoadSampler } = await import("../../host/machine-load.ts");
    const machine = new MachineLoadSampler();
    const sampleMachine = () => machine.sample();
    this.#listening = await startMetrics({ ...scraped, ...this.#open, telemetry, sampleMachine });
  }

  /** Answers no more scrapes; before what they look at is closed. */
  async unlisten(): Promise<void> {
    await this.#listening?.stop();
  }

  /** Last of all: what is left of the spans is sent. */
  async stop(): Promise<void> {
    await this.#tracing?.stop();
  }
}

/** The first one outermost; undefined for none. */
async function together(all: readonly RequestObserver[]): Promise<RequestObserver | undefined> {
  if (all.length < 2) return all[0];
  const { bothObservers } = await import("../../server/observe/request-observer.ts");
  return all.reduce((outer, inner) => bothObservers(outer, inner));
}

async function openMetrics(input: ObserversInput): Promise<OpenMetrics | undefined> {
  const { metricsListen: listener, profilingMetrics: profiling } = input.plan;
  if (listener === undefined) return undefined;
  const { LockdMetrics } = await import("../../server/metrics/lockd-metrics.ts");
  return { metrics: new LockdMetrics({ ...input, profiling }), listener };
}

async function openTraces(input: ObserversInput): Promise<Tracing | undefined> {
  const { otlpEndpoint: endpoint } = input.plan;
  if (endpoint === undefined) return undefined;
  const { openTracing } = await import("../../host/otlp/open-tracing.ts");
  return openTracing({ ...input, endpoint });
}
