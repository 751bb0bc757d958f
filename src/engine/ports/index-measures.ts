/**
 * What an index counts and times for a listener (security-and-operations.md section 17), with
 * namespaces as labels. Without somebody who listens there is no `IndexMeasures`, and whoever would
 * count has one branch to take. What the engine counts from its start on, listened to or not, is
 * in metrics.ts.
 */

/** Names of labels and their values; few values each, or the receiver bounds them. */
export type MeasureLabels = Readonly<Record<string, string>>;

/** Metrics that grow by what is counted; the contract's names. */
export type CountedMeasure = "lockd.index.flush.errors" | "lockd.index.segment.written";

/** Metrics of which the distribution counts; durations in milliseconds. */
export type ObservedMeasure =
  | "lockd.index.flush.duration_ms"
  | "lockd.index.segment.docs"
  | "lockd.index.segment.size";

export interface IndexMeasures {
  count(name: CountedMeasure, by: number, labels: MeasureLabels): void;
  observe(name: ObservedMeasure, value: number, labels: MeasureLabels): void;
}
