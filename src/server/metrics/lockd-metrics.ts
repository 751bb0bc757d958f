/**
 * The metrics of security-and-operations.md section 17, as far as this server has what they count,
 * in a registry of their own. Loaded only when somebody listens for them.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Lockd } from "../../api/lockd.ts";
import { histogramBounds, type MeterReader } from "../../engine/ports/metrics.ts";
import { addEngineMetrics } from "./engine-metrics.ts";

/** Milliseconds; the contract's bounds. */
const buckets = [...histogramBounds];

const leaseLabels = ["lockd_namespace", "lockd_lease_result", "lockd_lease_kind"];
const queueLabels = ["lockd_namespace", "lockd_queue"];
const dequeueLabels = [...queueLabels, "lockd_queue_stateful"];

/** A lockd that tells what it counted. */
export interface MeteredEngine extends Lockd {
  readonly meter: MeterReader;
}

interface MetricsChoice {
  readonly version: string;
  readonly profiling: boolean;
}

export class LockdMetrics {
  readonly registry = new Registry();
  readonly lease = {
    acquire: this.#leaseVerb("acquire"),
    keepAlive: this.#leaseVerb("keepalive"),
    release: this.#leaseVerb("release"),
  };
  readonly enqueued = this.#counter("lockd_queue_enqueue_total", "messages taken in", queueLabels);
  readonly enqueuedBytes = this.#counter(
    "lockd_queue_enqueue_bytes_total",
    "bytes of payloads taken in",
    queueLabels,
  );
  readonly enqueueMs = this.#histogram("lockd_queue_enqueue", "time of an enqueue", queueLabels);
  readonly dequeued = this.#counter("lockd_queue_dequeue_total", "deliveries", dequeueLabels);
  readonly dequeuedBytes = this.#counter(
    "lockd_queue_dequeue_bytes_total",
    "bytes of payloads delivered",
    dequeueLabels,
  );
  readonly dequeueMs = this.#histogram("lockd_queue_dequeue", "time of a dequeue", dequeueLabels);
  readonly inflight = new Gauge({
    name: "lockd_lsf_lock_inflight",
    help: "lease calls that are running or waiting",
    registers: [this.registry],
  });
  #scrapes: Promise<unknown> = Promise.resolve();

  constructor(lockd: MeteredEngine, options: MetricsChoice) {
    const registers = [this.registry];
    new Gauge({
      name: "target_info",
      help: "what this is",
      labelNames: ["service_name", "service_version"],
      registers,
    }).set({ service_name: "lockd", service_version: options.version }, 1);
    new Gauge({
      name: "lockd_lsf_rss_bytes",
      help: "resident memory of the process",
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new Gauge({ name: "lockd_ha_active", help: "1 while this server serves", registers }).set(1);
    new Gauge({ name: "lockd_qrf_state", help: "0: throttles nobody", registers }).set(0);
    this.#addLooks(lockd);
    addEngineMetrics(this.registry, lockd.meter);
    if (options.profiling) collectDefaultMetrics({ register: this.registry });
  }

  /** One scrape at a time: the format is a property of the registry. */
  text(openMetrics: boolean): Promise<{ readonly type: string; readonly body: string }> {
    const scrape = this.#scrapes.then(async () => {
      const type = openMetrics
        ? Registry.OPENMETRICS_CONTENT_TYPE
        : Registry.PROMETHEUS_CONTENT_TYPE;
      this.registry.setContentType(type as typeof Registry.PROMETHEUS_CONTENT_TYPE);
      // In the open format the library takes the `_total` off the names of counters, for good.
      const named = this.registry.getMetricsAsArray() as unknown as { name: string }[];
      const names = named.map(({ name }) => name);
      try {
        return { type, body: await this.registry.metrics() };
      } finally {
        for (const [at, metric] of named.entries()) metric.name = names[at] ?? metric.name;
      }
    });
    this.#scrapes = scrape.catch(() => {});
    return scrape;
  }

  /** Gauges of what is there now, all from one overview a scrape. */
  #addLooks(lockd: Lockd): void {
    const gauge = (name: string, help: string, labelNames: string[] = []) =>
      new Gauge({ name, help, labelNames, registers: [this.registry] });
    const ready = gauge("lockd_queue_pending", "messages ready for delivery", queueLabels);
    const pendingTxns = gauge("lockd_txn_pending", "transactions that are not decided yet");
    const stuckTxns = gauge(
      "lockd_txn_stuck",
      "pending past their deadline, or decided but unapplied",
    );
    const active = new Gauge({
      name: "lockd_lease_active",
      help: "leases that run",
      labelNames: ["lockd_lease_kind"],
      registers: [this.registry],
      async collect() {
        const overview = await lockd.observation.overview({ limit: 0 });
        const { counts, queues, transactions } = overview;
        active.set({ lockd_lease_kind: "lock" }, counts.keysHeld);
        const messages = queues.reduce((sum, { inFlight }) => sum + inFlight, 0);
        active.set({ lockd_lease_kind: "queue_message" }, messages);
        ready.reset();
        for (const { namespace, queue, ready: count } of queues) {
          ready.set({ lockd_namespace: namespace, lockd_queue: queue }, count);
        }
        pendingTxns.set(transactions.filter(({ state }) => state === "pending").length);
        stuckTxns.set(transactions.filter(({ inDoubt }) => inDoubt).length);
      },
    });
  }

  #leaseVerb(verb: string) {
    return {
      count: this.#counter(`lockd_lease_${verb}_total`, `${verb} calls`, leaseLabels),
      ms: this.#histogram(`lockd_lease_${verb}`, `time of ${verb} calls`, leaseLabels),
    };
  }

  #counter(name: string, help: string, labelNames: string[]) {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram(prefix: string, help: string, labelNames: string[]) {
    const name = `${prefix}_duration_ms_milliseconds`;
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
