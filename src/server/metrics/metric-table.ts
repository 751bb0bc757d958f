/**
 * The metrics of security-and-operations.md section 17, by the contract's names, and what lockd
 * counts beyond them (section "Metrics" of docs/operations.md names these). Every one is declared
 * from the start, so that dashboards and alerts find it, also when nothing was counted yet.
 */

export interface MetricRow {
  readonly kind: "counter" | "histogram" | "gauge";
  readonly unit?: "ms" | "By";
  /** Label names as Prometheus has them. */
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds, where those of the engine, for milliseconds, make no sense. */
  readonly buckets?: readonly number[];
}

/** Numbers of things: items, documents, leases, operations. */
const countBuckets = [0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 10_000];

/** Bytes, a power of four apart. */
const byteBuckets = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536].map((kib) => kib * 1024);

/** Seconds of a drain, which is 10 unless told otherwise. */
const drainBuckets = [0.1, 0.25, 0.5, 1, 2, 5, 8, 10, 30, 60];

const lease = ["lockd_namespace", "lockd_lease_result", "lockd_lease_kind"];
const queue = ["lockd_namespace", "lockd_queue"];
const dequeue = [...queue, "lockd_queue_stateful"];
const attachment = ["lockd_namespace", "lockd_attachment_result"];
const flush = ["lockd_namespace", "lockd_index_flush_result"];
const storage = ["lockd_storage_operation", "lockd_storage_result"];
const http = ["lockd_operation", "lockd_http_status"];

type RowOf<Kind extends MetricRow["kind"]> = MetricRow & { readonly kind: Kind };

const counter = (labels: readonly string[], help: string): RowOf<"counter"> => ({
  kind: "counter",
  labels,
  help,
});
const bytes = (labels: readonly string[], help: string): RowOf<"counter"> => ({
  ...counter(labels, help),
  unit: "By",
});
const gauge = (labels: readonly string[], help: string): RowOf<"gauge"> => ({
  kind: "gauge",
  labels,
  help,
});
const ms = (labels: readonly string[], help: string): RowOf<"histogram"> => ({
  kind: "histogram",
  unit: "ms",
  labels,
  help,
});
const counts = (labels: readonly string[], help: string): RowOf<"histogram"> => ({
  kind: "histogram",
  labels,
  help,
  buckets: countBuckets,
});

const leaseMetrics = {
  "lockd.lease.acquire": counter(lease, "leases asked for"),
  "lockd.lease.keepalive": counter(lease, "renewals asked for"),
  "lockd.lease.release": counter(lease, "releases asked for"),
  "lockd.lease.acquire.duration_ms": ms(lease, "time of an acquire, its wait included"),
  "lockd.lease.keepalive.duration_ms": ms(lease, "time of a renewal"),
  "lockd.lease.release.duration_ms": ms(lease, "time of a release"),
  "lockd.lease.active": gauge(["lockd_lease_kind"], "leases that run"),
};

const queueMetrics = {
  "lockd.queue.enqueue": counter(queue, "messages taken in"),
  "lockd.queue.enqueue.bytes": bytes(queue, "bytes of payloads taken in"),
  "lockd.queue.enqueue.duration_ms": ms(queue, "time of an enqueue"),
  "lockd.queue.dequeue": counter(dequeue, "deliveries"),
  "lockd.queue.dequeue.bytes": bytes(dequeue, "bytes of payloads delivered"),
  "lockd.queue.dequeue.duration_ms": ms(dequeue, "time of a dequeue, its wait included"),
  "lockd.queue.waiters": gauge(queue, "consumers that wait for a message"),
  "lockd.queue.pending": gauge(queue, "messages ready for delivery"),
  "lockd.queue.consumers": gauge([], "consumers that wait or stream, of all queues"),
};

const attachmentMetrics = {
  "lockd.attachments.attach": counter(attachment, "attachments put"),
  "lockd.attachments.list": counter(attachment, "lists of attachments"),
  "lockd.attachments.retrieve": counter(attachment, "attachments opened for reading"),
  "lockd.attachments.delete": counter(attachment, "deletions of one attachment"),
  "lockd.attachments.delete_all": counter(attachment, "deletions of all attachments of a key"),
  "lockd.attachments.attach.bytes": bytes(attachment, "bytes of attachments put"),
  "lockd.attachments.retrieve.bytes": bytes(attachment, "bytes of attachments opened"),
  "lockd.attachments.attach.duration_ms": ms(attachment, "time of a put, its body included"),
  "lockd.attachments.list.duration_ms": ms(attachment, "time of a list"),
  "lockd.attachments.retrieve.duration_ms": ms(attachment, "time until the body can be read"),
  "lockd.attachments.delete.duration_ms": ms(attachment, "time of a deletion"),
  "lockd.attachments.delete_all.duration_ms": ms(attachment, "time of a deletion of all"),
  "lockd.attachments.list.items": counts(attachment, "attachments in a list"),
  "lockd.attachments.delete_all.items": counts(attachment, "attachments deleted at once"),
};

const indexMetrics = {
  "lockd.index.flush.duration_ms": ms(flush, "time until what was committed can be found"),
  "lockd.index.flush.errors": counter(flush, "publications that failed"),
  "lockd.index.segment.written": counter(flush, "batches of documents written to the index"),
  "lockd.index.segment.docs": counts(flush, "documents of a batch"),
  "lockd.index.segment.size": {
    ...counts(flush, "bytes of the records of a batch"),
    unit: "By" as const,
    buckets: byteBuckets,
  },
  "lockd.index.queue.depth": gauge(["lockd_namespace"], "commits the index has not seen yet"),
  "lockd.index.queue.lag_ms": {
    ...gauge(["lockd_namespace"], "age of the oldest of them"),
    unit: "ms" as const,
  },
};

const txnMetrics = {
  "lockd.txn.pending": gauge([], "transactions that are not decided yet, at most 100"),
  "lockd.txn.stuck": gauge([], "pending past their deadline, or decided but unapplied"),
};

const serverMetrics = {
  "lockd.lsf.sample": counter([], "samples taken; one a scrape"),
  "lockd.lsf.queue.inflight": gauge(["lockd_queue_kind"], "queue calls that run or wait"),
  "lockd.lsf.lock.inflight": gauge([], "calls about keys that run or wait"),
  "lockd.lsf.query.inflight": gauge([], "queries that run"),
  "lockd.lsf.goroutines": gauge([], "active resources of the event loop"),
  "lockd.lsf.rss.bytes": { ...gauge([], "resident memory of the process"), unit: "By" as const },
  "lockd.lsf.swap.bytes": { ...gauge([], "swap in use on this machine"), unit: "By" as const },
  "lockd.lsf.memory.percent": gauge([], "memory in use on this machine"),
  "lockd.lsf.swap.percent": gauge([], "swap in use on this machine"),
  "lockd.lsf.cpu.percent": gauge([], "CPU in use on this machine since the last sample"),
  "lockd.lsf.load": gauge(["lockd_load_window"], "load of this machine"),
  "lockd.lsf.load.baseline": gauge(["lockd_load_window"], "the usual load"),
  "lockd.lsf.load.multiplier": gauge(["lockd_load_window"], "load by the usual load"),
  "lockd.qrf.state": gauge([], "0 disengaged, 1 soft_arm, 2 engaged, 3 recovery"),
  "lockd.qrf.decision": counter(
    ["lockd_qrf_kind", "lockd_qrf_state", "lockd_qrf_throttle"],
    "decisions about pacing",
  ),
  "lockd.qrf.transition": counter(
    ["lockd_qrf_from", "lockd_qrf_to", "lockd_qrf_reason"],
    "changes of the state of pacing",
  ),
  "lockd.shutdown.drain.active_leases": counts([], "leases at the start of a drain"),
  "lockd.shutdown.drain.remaining_leases": counts([], "leases at the end of a drain"),
  "lockd.shutdown.drain.elapsed_seconds": {
    ...counts([], "time of a drain"),
    buckets: drainBuckets,
  },
  "lockd.connguard.events": counter(["lockd_connguard_event"], "what the connection guard did"),
  "lockd.ha.active": gauge([], "1 while this server serves"),
  "lockd.tc.leader": gauge([], "1 while this server coordinates its transactions"),
  "lockd.tc.term": gauge([], "term of the coordinator; 0 without islands"),
};

/** Not in the contract. */
const furtherMetrics = {
  "lockd.http.requests": counter(http, "requests answered, by operation and status"),
  "lockd.http.duration_ms": ms(["lockd_operation"], "time of a request until its answer is out"),
  "lockd.http.inflight": gauge([], "requests that run"),
  "lockd.storage.operations": counter(storage, "calls of the store"),
  "lockd.storage.duration_ms": ms(["lockd_storage_operation"], "time of a call of the store"),
};

const storageMetrics = {
  "lockd.storage.retries": counter(["lockd_storage_operation"], "calls of the store made again"),
};

export const metricTable = {
  ...leaseMetrics,
  ...queueMetrics,
  ...attachmentMetrics,
  ...indexMetrics,
  ...txnMetrics,
  ...serverMetrics,
  ...storageMetrics,
  ...furtherMetrics,
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof metricTable;

const unitSuffixes = { ms: "_milliseconds", By: "_bytes" } as const;

/** The contract's rule: dots to `_`, the unit unless it is last already, `_total` for counters. */
export function prometheusName(
  name: string,
  { kind, unit }: Pick<MetricRow, "kind" | "unit">,
): string {
  let text = name.replaceAll(".", "_");
  const suffix = unit === undefined ? "" : unitSuffixes[unit];
  if (!text.endsWith(suffix)) text += suffix;
  return kind === "counter" ? `${text}_total` : text;
}
