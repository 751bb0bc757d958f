/** Gauges of what is there now, set when somebody scrapes. */
import type { ServedLockd } from "../../api/lockd.ts";
import type { OverviewTrouble } from "../../api/observation.ts";
import type { QueueSummary, ServedQueues } from "../../api/queues.ts";
import type { MeterReader, QueueConsumers } from "../../engine/ports/metrics.ts";
import type { LockdMetrics } from "./lockd-metrics.ts";

/** What an index has still to take in, of one namespace. */
export interface IndexBacklog {
  readonly namespace: string;
  readonly depth: number;
  readonly lagMs: number;
}

/** How the machine is doing; see src/host/machine-load.ts. */
export interface MachineSample {
  readonly memoryPercent: number;
  readonly swapBytes: number;
  readonly swapPercent: number;
  /** Of all cores together since the sample before; 0 in the first. */
  readonly cpuPercent: number;
  /** By window in minutes: the load, the usual load, and their ratio. */
  readonly windows: readonly {
    readonly minutes: string;
    readonly load: number;
    readonly baseline: number;
    readonly multiplier: number;
  }[];
}

/** A lockd that tells what its engine counted. */
export interface MeteredEngine extends ServedLockd {
  readonly meter: MeterReader;
  readonly queues: ServedQueues & { consumers(): QueueConsumers };
}

export interface LookedAt {
  readonly lockd: MeteredEngine;
  readonly indexBacklog: () => readonly IndexBacklog[];
  readonly sampleMachine: () => Promise<MachineSample>;
}

export function addLooks(metrics: LockdMetrics, { lockd, ...rest }: LookedAt): void {
  // A server that coordinates for its own store only, and paces nobody, so far.
  metrics.gauge("lockd.ha.active").set(1);
  metrics.gauge("lockd.tc.leader").set(1);
  metrics.gauge("lockd.tc.term").set(0);
  metrics.gauge("lockd.qrf.state").set(0);
  metrics.beforeScrape(() => lookAtLockd(metrics, lockd));
  metrics.beforeScrape(async () => lookAtIndex(metrics, rest.indexBacklog()));
  metrics.beforeScrape(async () => lookAtMachine(metrics, await rest.sampleMachine()));
}

/** A gauge whose part could not be read keeps its value: what is not known is not nought. */
async function lookAtLockd(metrics: LockdMetrics, lockd: MeteredEngine): Promise<void> {
  const overview = await lockd.observation.overview({ limit: 0 });
  const { counts, queues, transactions, trouble } = overview;
  const isRead = (part: OverviewTrouble["part"]) => trouble.every((one) => one.part !== part);
  const active = metrics.gauge("lockd.lease.active");
  if (isRead("leases")) active.set({ lockd_lease_kind: "lock" }, counts.keysHeld);
  if (isRead("queues")) {
    const messages = queues.reduce((sum, { inFlight }) => sum + inFlight, 0);
    active.set({ lockd_lease_kind: "queue_message" }, messages);
    lookAtReady(metrics, queues);
  }
  lookAtConsumers(metrics, queues, lockd.queues.consumers());
  if (!isRead("transactions")) return;
  const pending = transactions.filter(({ state }) => state === "pending").length;
  metrics.gauge("lockd.txn.pending").set(pending);
  metrics.gauge("lockd.txn.stuck").set(transactions.filter(({ inDoubt }) => inDoubt).length);
}

/** At most the queues of one overview, so that the series are bounded. */
function lookAtReady(metrics: LockdMetrics, queues: readonly QueueSummary[]): void {
  const gauge = metrics.gauge("lockd.queue.pending");
  gauge.reset();
  for (const { namespace, queue, ready } of queues) {
    gauge.set({ lockd_namespace: namespace, lockd_queue: queue }, ready);
  }
}

/** Consumers wait where nothing lies, so at queues that the overview does not show. */
function lookAtConsumers(
  metrics: LockdMetrics,
  shown: readonly QueueSummary[],
  consumers: QueueConsumers,
): void {
  const gauge = metrics.gauge("lockd.queue.waiters");
  gauge.reset();
  for (const { namespace, queue } of shown) gauge.set(metrics.queueLabels(namespace, queue), 0);
  // Those beyond the bound of the labels share one series.
  for (const { namespace, queue, waiting } of consumers.queues) {
    gauge.inc(metrics.queueLabels(namespace, queue), waiting);
  }
  metrics.gauge("lockd.queue.consumers").set(consumers.total);
}

function lookAtIndex(metrics: LockdMetrics, backlog: readonly IndexBacklog[]): void {
  const [depth, lag] = [
    metrics.gauge("lockd.index.queue.depth"),
    metrics.gauge("lockd.index.queue.lag_ms"),
  ];
  depth.reset();
  lag.reset();
  for (const one of backlog) {
    const labels = { lockd_namespace: metrics.namespaceLabel(one.namespace) };
    depth.inc(labels, one.depth);
    lag.set(labels, Math.max(0, one.lagMs));
  }
}

function lookAtMachine(metrics: LockdMetrics, sample: MachineSample): void {
  metrics.count("lockd.lsf.sample", 1, {});
  metrics.gauge("lockd.lsf.rss.bytes").set(process.memoryUsage.rss());
  metrics.gauge("lockd.lsf.goroutines").set(process.getActiveResourcesInfo().length);
  metrics.gauge("lockd.lsf.memory.percent").set(sample.memoryPercent);
  metrics.gauge("lockd.lsf.swap.bytes").set(sample.swapBytes);
  metrics.gauge("lockd.lsf.swap.percent").set(sample.swapPercent);
  metrics.gauge("lockd.lsf.cpu.percent").set(sample.cpuPercent);
  for (const { minutes, load, baseline, multiplier } of sample.windows) {
    const labels = { lockd_load_window: minutes };
    metrics.gauge("lockd.lsf.load").set(labels, load);
    metrics.gauge("lockd.lsf.load.baseline").set(labels, baseline);
    metrics.gauge("lockd.lsf.load.multiplier").set(labels, multiplier);
  }
}
