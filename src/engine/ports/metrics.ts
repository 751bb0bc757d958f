/**
 * What the engine counts and times (security-and-operations.md section 17), without the prefix
 * `lockd.`, and the labels of each in the order in which their values are given. Whoever shows
 * metrics makes its names from these.
 */
export const engineCounters = {
  "txn.decisions.recorded": { labels: ["txn.state"], help: "states recorded of transactions" },
  "txn.apply.applied": { labels: ["txn.state"], help: "participants a decision was applied to" },
  "txn.apply.failed": { labels: ["txn.state"], help: "participants it could not be applied to" },
  "txn.apply.retries": { labels: ["txn.state"], help: "repeated attempts to apply a decision" },
  "txn.sweep.applied": { labels: ["txn.sweep_mode"], help: "transactions recovery ended" },
  "txn.sweep.failed": { labels: ["txn.sweep_mode"], help: "transactions recovery could not end" },
  "txn.sweep.pending_expired": {
    labels: ["txn.sweep_mode"],
    help: "undecided transactions rolled back at their deadline",
  },
  "txn.sweep.cleanup_deleted": {
    labels: ["txn.sweep_mode"],
    help: "records of ended transactions that recovery deleted",
  },
  "txn.sweep.cleanup_failed": {
    labels: ["txn.sweep_mode"],
    help: "records and markers that could not be deleted",
  },
  "txn.sweep.load_errors": { labels: ["txn.sweep_mode"], help: "unreadable transactions" },
  "txn.sweep.rollback_cas_failed": {
    labels: ["txn.sweep_mode"],
    help: "rollbacks at the deadline that another writer was faster than",
  },
  "txn.decision.marker.deleted": {
    labels: ["txn.sweep_mode"],
    help: "remembered decisions forgotten after the retention",
  },
  "txn.decision.marker.failed": {
    labels: ["txn.sweep_mode"],
    help: "remembered decisions that could not be forgotten",
  },
  "txn.fanout.attempts": {
    labels: ["txn.state", "txn.backend_hash"],
    help: "attempts to tell another island",
  },
  "txn.fanout.failed": {
    labels: ["txn.state", "txn.backend_hash", "txn.fanout_reason"],
    help: "islands that could not be told",
  },
  "txn.heuristic": { labels: [], help: "committed transactions that lost a participant" },
  "txn.abandoned": {
    labels: ["txn.state"],
    help: "decisions given up with participants they never reached",
  },
  "txn.staging.orphans": { labels: [], help: "staged objects deleted that nothing points at" },
  "staging.orphans": {
    labels: ["staging.kind"],
    help: "staged objects deleted that nothing points at, by kind",
  },
  "sweeper.idle.run": { labels: ["sweeper.result"], help: "runs of the sweeper" },
  "sweep.lease.cleared": {
    labels: ["sweep.mode", "lease.kind"],
    help: "expired leases the sweeper cleared",
  },
} as const;

export const engineHistograms = {
  "txn.decide.duration_ms": {
    labels: ["txn.state"],
    help: "time until a decision is durable",
  },
  "txn.tc.decide.duration_ms": {
    labels: ["txn.state"],
    help: "time of a decision with all that is done before it is answered",
  },
  "txn.apply.duration_ms": { labels: ["txn.state"], help: "time to apply a decision" },
  "txn.replay.duration_ms": { labels: ["txn.state"], help: "time of a replay of one transaction" },
  "txn.sweep.duration_ms": { labels: ["txn.sweep_mode"], help: "time of a look at transactions" },
  "txn.fanout.duration_ms": {
    labels: ["txn.state", "txn.result"],
    help: "time to tell another island",
  },
  "sweeper.idle.duration_ms": { labels: ["sweeper.result"], help: "time of a run of the sweeper" },
  "sweeper.idle.ops": {
    labels: ["sweeper.result"],
    help: "objects a run of the sweeper looked at",
  },
} as const;

export type EngineCounter = keyof typeof engineCounters;
export type EngineHistogram = keyof typeof engineHistograms;

/** Upper bounds of a histogram's buckets; the contract's, for milliseconds and counts alike. */
export const histogramBounds: readonly number[] = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
];

/** One series of a counter: the values of its labels, in the metric's order. */
export interface CounterSeries {
  readonly values: readonly string[];
  readonly total: number;
}

export interface HistogramSeries {
  readonly values: readonly string[];
  /** Observations up to each bound and above the one before; the last: above all bounds. */
  readonly buckets: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** The consumers of queues served by this process. */
export interface QueueConsumers {
  /** Waiting, trying or streaming, over all queues. */
  readonly total: number;
  /** The queues at which some wait right now, and how many. */
  readonly queues: readonly {
    readonly namespace: string;
    readonly queue: string;
    readonly waiting: number;
  }[];
}

/** What was counted and timed so far. */
export interface MeterReader {
  counterSeries(name: EngineCounter): readonly CounterSeries[];
  histogramSeries(name: EngineHistogram): readonly HistogramSeries[];
}
