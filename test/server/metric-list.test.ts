/** Every metric of security-and-operations.md section 17 is on the page of a running server. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { engineCounters, engineHistograms } from "../../src/engine/ports/metrics.ts";
import {
  type MetricRow,
  metricTable,
  prometheusName,
} from "../../src/server/metrics/metric-table.ts";
import { type ObservedServer, startObservedServer } from "../support/observed-server.ts";

/**
 * Written down from the contract by hand: name, type, and labels without their `lockd_`; also what
 * the engine counts of transactions beyond it.
 */
const contract = `
lockd_lease_acquire_total counter namespace lease_result lease_kind
lockd_lease_keepalive_total counter namespace lease_result lease_kind
lockd_lease_release_total counter namespace lease_result lease_kind
lockd_lease_acquire_duration_ms_milliseconds histogram namespace lease_result lease_kind
lockd_lease_keepalive_duration_ms_milliseconds histogram namespace lease_result lease_kind
lockd_lease_release_duration_ms_milliseconds histogram namespace lease_result lease_kind
lockd_lease_active gauge lease_kind
lockd_queue_enqueue_total counter namespace queue
lockd_queue_enqueue_bytes_total counter namespace queue
lockd_queue_enqueue_duration_ms_milliseconds histogram namespace queue
lockd_queue_dequeue_total counter namespace queue queue_stateful
lockd_queue_dequeue_bytes_total counter namespace queue queue_stateful
lockd_queue_dequeue_duration_ms_milliseconds histogram namespace queue queue_stateful
lockd_queue_waiters gauge namespace queue
lockd_queue_pending gauge namespace queue
lockd_queue_consumers gauge
lockd_attachments_attach_total counter namespace attachment_result
lockd_attachments_list_total counter namespace attachment_result
lockd_attachments_retrieve_total counter namespace attachment_result
lockd_attachments_delete_total counter namespace attachment_result
lockd_attachments_delete_all_total counter namespace attachment_result
lockd_attachments_attach_bytes_total counter namespace attachment_result
lockd_attachments_retrieve_bytes_total counter namespace attachment_result
lockd_attachments_attach_duration_ms_milliseconds histogram namespace attachment_result
lockd_attachments_list_duration_ms_milliseconds histogram namespace attachment_result
lockd_attachments_retrieve_duration_ms_milliseconds histogram namespace attachment_result
lockd_attachments_delete_duration_ms_milliseconds histogram namespace attachment_result
lockd_attachments_delete_all_duration_ms_milliseconds histogram namespace attachment_result
lockd_attachments_list_items histogram namespace attachment_result
lockd_attachments_delete_all_items histogram namespace attachment_result
lockd_index_flush_duration_ms_milliseconds histogram namespace index_flush_result
lockd_index_flush_errors_total counter namespace index_flush_result
lockd_index_segment_written_total counter namespace index_flush_result
lockd_index_segment_docs histogram namespace index_flush_result
lockd_index_segment_size_bytes histogram namespace index_flush_result
lockd_index_queue_depth gauge namespace
lockd_index_queue_lag_ms_milliseconds gauge namespace
lockd_txn_decisions_recorded_total counter txn_state
lockd_txn_decide_duration_ms_milliseconds histogram txn_state
lockd_txn_tc_decide_duration_ms_milliseconds histogram txn_state
lockd_txn_apply_duration_ms_milliseconds histogram txn_state
lockd_txn_replay_duration_ms_milliseconds histogram txn_state
lockd_txn_apply_applied_total counter txn_state
lockd_txn_apply_failed_total counter txn_state
lockd_txn_apply_retries_total counter txn_state
lockd_txn_sweep_duration_ms_milliseconds histogram txn_sweep_mode
lockd_txn_sweep_applied_total counter txn_sweep_mode
lockd_txn_sweep_failed_total counter txn_sweep_mode
lockd_txn_sweep_pending_expired_total counter txn_sweep_mode
lockd_txn_sweep_cleanup_deleted_total counter txn_sweep_mode
lockd_txn_sweep_cleanup_failed_total counter txn_sweep_mode
lockd_txn_sweep_load_errors_total counter txn_sweep_mode
lockd_txn_sweep_rollback_cas_failed_total counter txn_sweep_mode
lockd_txn_decision_marker_deleted_total counter txn_sweep_mode
lockd_txn_decision_marker_failed_total counter txn_sweep_mode
lockd_txn_heuristic_total counter
lockd_txn_abandoned_total counter txn_state
lockd_txn_staging_orphans_total counter
lockd_staging_orphans_total counter staging_kind
lockd_txn_fanout_duration_ms_milliseconds histogram txn_state txn_result
lockd_txn_fanout_attempts_total counter txn_state txn_backend_hash
lockd_txn_fanout_failed_total counter txn_state txn_backend_hash txn_fanout_reason
lockd_txn_pending gauge
lockd_txn_stuck gauge
lockd_sweeper_idle_run_total counter sweeper_result
lockd_sweeper_idle_duration_ms_milliseconds histogram sweeper_result
lockd_sweeper_idle_ops histogram sweeper_result
lockd_sweep_lease_cleared_total counter sweep_mode lease_kind
lockd_lsf_sample_total counter
lockd_lsf_queue_inflight gauge queue_kind
lockd_lsf_lock_inflight gauge
lockd_lsf_query_inflight gauge
lockd_lsf_goroutines gauge
lockd_lsf_rss_bytes gauge
lockd_lsf_swap_bytes gauge
lockd_lsf_memory_percent gauge
lockd_lsf_swap_percent gauge
lockd_lsf_cpu_percent gauge
lockd_lsf_load gauge load_window
lockd_lsf_load_baseline gauge load_window
lockd_lsf_load_multiplier gauge load_window
lockd_qrf_state gauge
lockd_qrf_decision_total counter qrf_kind qrf_state qrf_throttle
lockd_qrf_transition_total counter qrf_from qrf_to qrf_reason
lockd_shutdown_drain_active_leases histogram
lockd_shutdown_drain_remaining_leases histogram
lockd_shutdown_drain_elapsed_seconds histogram
lockd_connguard_events_total counter connguard_event
lockd_storage_retries_total counter storage_operation
lockd_ha_active gauge
lockd_tc_leader gauge
lockd_tc_term gauge
`;

const millisecondBounds = "1 2 5 10 25 50 100 250 500 1000 2500 5000 10000 30000 +Inf".split(" ");

let server: ObservedServer;
let page: string;
beforeAll(async () => {
  server = await startObservedServer();
  await useALittle(server.url);
  page = await server.scrape();
});
afterAll(() => server.stop());

/** A little of everything, so that most series exist. */
async function useALittle(url: string): Promise<void> {
  await using client = createClient({ endpoints: url });
  const session = await client.acquire({ key: "k", owner: "me", ttlMs: 30_000 });
  await session.save({ n: 1 });
  await session.attachments.attach({ name: "a", body: "text" });
  await session.keepAlive();
  await session.release();
  await client.flushIndex();
  await client.enqueue("jobs", "payload");
  await client.transaction(async (tx) => {
    for (const key of ["a", "b"]) {
      const one = await tx.acquire({ key, owner: "me", ttlMs: 30_000 });
      await one.save({});
    }
  });
  await client.describe("k");
  expect((await fetch(`${url}/nowhere`)).status).toBe(404);
}

/** Names of the labels on the page, by metric; `le` is the histogram's own. */
function labelsOnPage(name: string): Set<string> {
  const labels = new Set<string>();
  const series = new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{([^}]*)\\}`, "gm");
  for (const [, text = ""] of page.matchAll(series)) {
    for (const [, label = ""] of text.matchAll(/(\w+)="/g)) if (label !== "le") labels.add(label);
  }
  return labels;
}

test("every metric of the contract is there, with its type", () => {
  const types = new Map(
    [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]),
  );
  const rows = contract.trim().split("\n");
  const missing = rows.filter((row) => {
    const [name = "", type] = row.split(" ");
    return types.get(name) !== type;
  });
  expect(missing).toEqual([]);
  expect(rows.length).toBeGreaterThan(80);
});

/** What the product declares of every metric, as a row of the contract. */
function declared(): string[] {
  const ofEngine = (
    kind: MetricRow["kind"],
    rows: Readonly<Record<string, Pick<MetricRow, "labels">>>,
  ) =>
    Object.entries(rows).map(([name, { labels }]) => {
      const unit = name.endsWith("_ms") ? ({ unit: "ms" } as const) : {};
      const full = prometheusName(`lockd.${name}`, { kind, ...unit });
      return [full, kind, ...labels.map((label) => label.replaceAll(".", "_"))];
    });
  const ofServer = Object.entries<MetricRow>(metricTable).map(([name, row]) => {
    const labels = row.labels.map((label) => label.replace(/^lockd_/, ""));
    return [prometheusName(name, row), row.kind, ...labels];
  });
  const ours = [...ofEngine("counter", engineCounters), ...ofEngine("histogram", engineHistograms)];
  return [...ours, ...ofServer].map((words) => words.join(" "));
}

test("every metric is declared with the contract's labels, counted or not", () => {
  const further = /^lockd_(http_|storage_(operations|duration))/;
  const rows = declared().filter((row) => !further.test(row));
  expect(rows.sort()).toEqual(contract.trim().split("\n").sort());
});

test("series carry the contract's labels and no others", () => {
  const seen: string[] = [];
  for (const row of contract.trim().split("\n")) {
    const [name = "", , ...words] = row.split(" ");
    const labels = words.map((word) => `lockd_${word}`);
    const found = labelsOnPage(name);
    if (found.size === 0) continue;
    expect([name, ...found].sort()).toEqual([name, ...labels].sort());
    seen.push(name);
  }
  expect(seen).toContain("lockd_index_segment_docs");
  expect(seen.length).toBeGreaterThan(20);
});

test("milliseconds have the contract's bounds", () => {
  const bounds = [...page.matchAll(/^lockd_\w+_milliseconds_bucket\{.*?le="([^"]+)"/gm)];
  expect(new Set(bounds.map(([, bound]) => bound))).toEqual(new Set(millisecondBounds));
});

test("the acquire of conformance case 53, and what lockd counts beyond the contract", () => {
  const labels = [
    'lockd_namespace="default"',
    'lockd_lease_result="success"',
    'lockd_lease_kind="lock"',
  ];
  expect(page).toContain(`\nlockd_lease_acquire_total{${labels.join(",")}} 3\n`);
  expect(page).toMatch(/^lockd_http_requests_total\{lockd_operation="acquire",.*="200"\} 3$/m);
  expect(page).toMatch(/^lockd_http_requests_total\{lockd_operation="unknown",.*="404"\} 1$/m);
  const applied = /^lockd_storage_operations_total\{.*="apply",.*="success"\} (\d+)$/m;
  expect(Number(applied.exec(page)?.[1])).toBeGreaterThan(3);
});
