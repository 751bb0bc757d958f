/**
 * Figures that leave the process: the metrics of security-and-operations.md section 17 that only
 * the engine can count. Without somebody who listens there is no `Measures`, and whoever would
 * count has one branch to take.
 */

/** Names of labels and their values; few values each, or the receiver bounds them. */
export type MeasureLabels = Readonly<Record<string, string>>;

/** Metrics that grow by what is counted; the contract's names. */
export type CountedMeasure =
  | "lockd.txn.decisions.recorded"
  | "lockd.txn.apply.applied"
  | "lockd.txn.apply.failed"
  | "lockd.txn.apply.retries"
  | "lockd.txn.sweep.applied"
  | "lockd.txn.sweep.failed"
  | "lockd.txn.sweep.pending_expired"
  | "lockd.txn.sweep.cleanup_deleted"
  | "lockd.txn.sweep.cleanup_failed"
  | "lockd.txn.sweep.load_errors"
  | "lockd.txn.decision.marker.deleted"
  | "lockd.txn.decision.marker.failed"
  | "lockd.txn.heuristic"
  | "lockd.index.flush.errors"
  | "lockd.index.segment.written";

/** Metrics of which the distribution counts; durations in milliseconds. */
export type ObservedMeasure =
  | "lockd.txn.decide.duration_ms"
  | "lockd.txn.apply.duration_ms"
  | "lockd.txn.replay.duration_ms"
  | "lockd.txn.sweep.duration_ms"
  | "lockd.index.flush.duration_ms"
  | "lockd.index.segment.docs"
  | "lockd.index.segment.size";

export interface Measures {
  count(name: CountedMeasure, by: number, labels: MeasureLabels): void;
  observe(name: ObservedMeasure, value: number, labels: MeasureLabels): void;
}
