/** Gauges of what is there now, set when somebody scrapes. */
import type { ServedLockd } from "../../api/lockd.ts";
import type { QueueSummary } from "../../api/queues.ts";
import type { MeterReader } from "../../engine/ports/metrics.ts";
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
  readonly cpuPercent: number;
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

async function lookAtLockd(metrics: LockdMetrics, lockd: ServedLockd): Promise<void> {
  const overview = await lockd.observation.overview({ limit: 0 });
  const { counts, queues, transactions } = overview;
  const active = metrics.gauge("lockd.lease.active");
  active.set({ lockd_lease_kind: "lock" }, counts.keysHeld);
  const messages = queues.reduce((sum, { inFlight }) => sum + inFlight, 0);
  active.set({ lockd_lease_kind: "queue_message" }, messages);
  await lookAtQueues(metrics, lockd, queues);
  const pending = transactions.filter(({ state }) => state === "pending").length;
  metrics.gauge("lockd.txn.pending").set(pending);
  metrics.gauge("lockd.txn.stuck").set(transactions.filter(({ inDoubt }) => inDoubt).length);
}

/** At most the queues of one overview, so that the series are bounded. */
async function lookAtQueues(
  metrics: LockdMetrics,
  lockd: ServedLockd,
  queues: readonly QueueSummary[],
): Promise<void> {
  const [ready, waiters] = [
    metrics.gauge("lockd.queue.pending"),
    metrics.gauge("lockd.queue.waiters"),
  ];
  ready.reset();
  waiters.reset();
  let consumers = 0;
  for (const { namespace, queue, ready: count } of queues) {
    const labels = { lockd_namespace: namespace, lockd_queue: queue };
    ready.set(labels, count);
    // A queue may be gone since; the others are good.
    const stats = await lockd.queues.stats({ namespace, queue }).catch(() => undefined);
    if (stats === undefined) continue;
    waiters.set(labels, stats.waitingConsumers);
    consumers = stats.totalConsumers;
  }
  metrics.gauge("lockd.queue.consumers").set(consumers);
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
