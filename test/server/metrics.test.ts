/** The metrics listener: names of the contract, counted calls, health for orchestrators. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ServedLockd } from "../../src/api/lockd.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { StoreFailure } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { MachineLoadSampler } from "../../src/host/machine-load.ts";
import { LabelValues } from "../../src/server/metrics/label-values.ts";
import { LockdMetrics } from "../../src/server/metrics/lockd-metrics.ts";
import { meteredLockd } from "../../src/server/metrics/metered-lockd.ts";
import { type RunningMetrics, startMetrics } from "../../src/server/metrics/metrics-server.ts";
import type { ScriptedStore } from "../support/scripted-store.ts";
import { testEngine } from "../support/test-engine.ts";

let engine: Engine;
let lockd: ServedLockd;
let store: ScriptedStore;
let metrics: RunningMetrics;
let ready = false;
beforeAll(async () => {
  const counted = new LockdMetrics({
    defaultNamespace: "default",
    version: "1.2.3",
    profiling: true,
  });
  ({ engine, store } = testEngine());
  const machine = new MachineLoadSampler();
  metrics = await startMetrics({
    metrics: counted,
    lockd: engine,
    listener: { proto: "tcp", host: "127.0.0.1", port: 0 },
    telemetry: silentTelemetry,
    ready: () => ready,
    indexBacklog: () => [{ namespace: "billing", depth: 3, lagMs: 250 }],
    sampleMachine: () => machine.sample(),
  });
  lockd = meteredLockd(engine, counted);
});
afterAll(async () => {
  await metrics.stop();
  await engine.close();
});

async function scrape(accept = "text/plain"): Promise<Response> {
  return fetch(`${metrics.endpoint}/metrics`, { headers: { accept } });
}

/** The value of a series; labels in any order. */
async function value(name: string, labels: Readonly<Record<string, string>> = {}) {
  const text = await (await scrape()).text();
  const line = text.split("\n").find((one) => {
    const wanted = Object.entries(labels).every(([label, is]) => one.includes(`${label}="${is}"`));
    return wanted && (one.startsWith(`${name} `) || one.startsWith(`${name}{`));
  });
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

test("lease calls are counted by result, kind and namespace, and answered unchanged", async () => {
  const lease = await lockd.acquire({ namespace: "Billing", key: "k", owner: "me" });
  expect(lease.fencingToken).toBe(1);
  const rival = { namespace: "billing", key: "k", owner: "you", blockSeconds: -1 };
  const refused = lockd.acquire(rival);
  await expect(refused).rejects.toMatchObject({ code: "waiting" });
  const acquire = { lockd_namespace: "billing", lockd_lease_kind: "lock" };
  const total = "lockd_lease_acquire_total";
  expect(await value(total, { ...acquire, lockd_lease_result: "success" })).toBe(1);
  expect(await value(total, { ...acquire, lockd_lease_result: "error" })).toBe(1);
  expect(await value("lockd_lease_active", { lockd_lease_kind: "lock" })).toBe(1);
  expect(await value("lockd_lsf_lock_inflight")).toBe(0);
  await lockd.keepAlive(lease);
  await lockd.release(lease);
  expect(await value("lockd_lease_keepalive_total", acquire)).toBe(1);
  expect(await value("lockd_lease_release_total", acquire)).toBe(1);
  const count = "lockd_lease_release_duration_ms_milliseconds_count";
  expect(await value(count, acquire)).toBe(1);
  const bucket = "lockd_lease_release_duration_ms_milliseconds_bucket";
  expect(await value(bucket, { le: "30000" })).toBe(1);
  expect(await value("lockd_lease_active", { lockd_lease_kind: "lock" })).toBe(0);
  // What has no metric goes through: facets, getters and methods alike.
  expect(lockd.observation).toBe(engine.observation);
  expect(lockd.liveLeases()).toBe(0);
  expect((await lockd.status({ namespace: "billing", key: "k" })).held).toBe(false);
});

test("queues: messages, bytes, deliveries of either way, and their leases", async () => {
  const at = { namespace: "mail", queue: "Out" };
  const labels = { lockd_namespace: "mail", lockd_queue: "out" };
  for (const text of ["one", "three"]) await lockd.queues.enqueue(at, Buffer.from(text));
  expect(await value("lockd_queue_enqueue_total", labels)).toBe(2);
  expect(await value("lockd_queue_enqueue_bytes_total", labels)).toBe(8);
  expect(await value("lockd_queue_pending", labels)).toBe(2);
  const [first] = await lockd.queues.dequeue({ ...at, owner: "me", waitSeconds: -1 });
  const stream = await lockd.queues.subscribe({ ...at, owner: "me", pageSize: 1 });
  expect(await value("lockd_lsf_queue_inflight", { lockd_queue_kind: "consumer" })).toBe(1);
  for await (const delivery of stream) {
    await lockd.queues.ack(delivery);
    break;
  }
  await stream.close();
  expect(await value("lockd_lsf_queue_inflight", { lockd_queue_kind: "consumer" })).toBe(0);
  const delivered = { ...labels, lockd_queue_stateful: "false" };
  expect(await value("lockd_queue_dequeue_total", delivered)).toBe(2);
  expect(await value("lockd_queue_dequeue_bytes_total", delivered)).toBe(8);
  const lease = { lockd_namespace: "mail", lockd_lease_kind: "queue_message" };
  expect(await value("lockd_lease_acquire_total", lease)).toBe(2);
  expect(await value("lockd_lease_active", { lockd_lease_kind: "queue_message" })).toBe(1);
  await lockd.queues.nack({ ...first });
  expect(await value("lockd_lease_release_total", lease)).toBe(2);
});

test("consumers are counted where they wait: at queues with nothing in them", async () => {
  const at = { namespace: "idle", queue: "Empty" };
  const labels = { lockd_namespace: "idle", lockd_queue: "empty" };
  const over = new AbortController();
  const call = { signal: over.signal };
  const waits = ["a", "b"].map((owner) =>
    lockd.queues.dequeue({ ...at, owner, waitSeconds: 60 }, call),
  );
  await expect.poll(() => value("lockd_queue_waiters", labels)).toBe(2);
  expect(await value("lockd_queue_consumers")).toBe(2);
  expect(await value("lockd_queue_pending", labels)).toBeUndefined();
  over.abort(new Error("enough"));
  for (const wait of waits) await expect(wait).rejects.toThrow("enough");
  await expect.poll(() => value("lockd_queue_consumers")).toBe(0);
  expect(await value("lockd_queue_waiters", labels)).toBeUndefined();
  await lockd.queues.enqueue(at, Buffer.from("one"));
  expect(await value("lockd_queue_waiters", labels)).toBe(0);
  const [message] = await lockd.queues.dequeue({ ...at, owner: "a", waitSeconds: -1 });
  await lockd.queues.ack({ ...message });
});

test("what cannot be read keeps its gauge", async () => {
  const txnId = "dc2n19irpqc3go6bsp7g";
  const lease = await lockd.acquire({ namespace: "bank", key: "kept", owner: "me", txnId });
  await lockd.update(lease, Buffer.from("{}"));
  await lockd.queues.enqueue({ namespace: "bank", queue: "kept" }, Buffer.from("one"));
  const labels = { lockd_namespace: "bank", lockd_queue: "kept" };
  const looks = async () => [
    await value("lockd_lease_active", { lockd_lease_kind: "lock" }),
    await value("lockd_queue_pending", labels),
    await value("lockd_txn_pending"),
  ];
  expect(await looks()).toEqual([1, 1, 1]);
  const failing = () => Promise.reject(new StoreFailure("unavailable", "the store is away"));
  const spies = [
    vi.spyOn(store, "list").mockImplementation(failing),
    vi.spyOn(store, "scan").mockImplementation(failing),
  ];
  const { trouble } = await engine.observation.overview({ limit: 0 });
  expect(trouble.map(({ part }) => part)).toContain("transactions");
  expect(await looks()).toEqual([1, 1, 1]);
  for (const spy of spies) spy.mockRestore();
  await lockd.transactions.decide({ txnId, state: "rollback" });
  expect(await looks()).toEqual([0, 1, 0]);
});

test("attachments: calls, bytes and items, and errors without either", async () => {
  const lease = await lockd.acquire({ namespace: "files", key: "k", owner: "me" });
  await lockd.attachments.attach({ ...lease, name: "a" }, Buffer.from("12345"));
  await lockd.attachments.list(lease);
  const { body } = await lockd.attachments.retrieve({ ...lease, name: "a" });
  if (!(body instanceof Uint8Array)) await body.close();
  const gone = lockd.attachments.retrieve({ ...lease, name: "b" });
  await expect(gone).rejects.toMatchObject({ code: "attachment_not_found" });
  await lockd.attachments.deleteAll(lease);
  const [good, bad] = ["success", "error"].map((result) => ({
    lockd_namespace: "files",
    lockd_attachment_result: result,
  }));
  expect(await value("lockd_attachments_attach_bytes_total", good)).toBe(5);
  expect(await value("lockd_attachments_retrieve_bytes_total", good)).toBe(5);
  expect(await value("lockd_attachments_retrieve_total", bad)).toBe(1);
  expect(await value("lockd_attachments_list_items_sum", good)).toBe(1);
  expect(await value("lockd_attachments_delete_all_items_sum", good)).toBe(1);
});

test("transactions: decisions by what they decide", async () => {
  const txnId = "dc2n19irpqc3go6bsp70";
  for (const key of ["a", "b"]) {
    const lease = await lockd.acquire({ namespace: "bank", key, owner: "me", txnId });
    await lockd.update(lease, Buffer.from("{}"));
  }
  expect(await value("lockd_txn_pending")).toBe(1);
  await lockd.transactions.decide({ txnId, state: "commit" });
  const commit = { lockd_txn_state: "commit" };
  expect(await value("lockd_txn_decisions_recorded_total", commit)).toBe(1);
  expect(await value("lockd_txn_apply_applied_total", commit)).toBe(2);
  const asked = "lockd_txn_tc_decide_duration_ms_milliseconds_count";
  expect(await value(asked, commit)).toBe(1);
  expect(await value("lockd_txn_pending")).toBe(0);
});

test("the index and the machine are looked at when somebody scrapes", async () => {
  const billing = { lockd_namespace: "billing" };
  expect(await value("lockd_index_queue_depth", billing)).toBe(3);
  expect(await value("lockd_index_queue_lag_ms_milliseconds", billing)).toBe(250);
  const before = (await value("lockd_lsf_sample_total")) ?? 0;
  expect(await value("lockd_lsf_sample_total")).toBe(before + 1);
  expect(await value("lockd_lsf_memory_percent")).toBeGreaterThan(1);
  const minute = { lockd_load_window: "1" };
  expect(await value("lockd_lsf_load_baseline", minute)).toBeGreaterThan(0);
});

test("target_info, runtime metrics, and both formats", async () => {
  expect(await value("target_info", { service_name: "lockd", service_version: "1.2.3" })).toBe(1);
  expect(await value("lockd_lsf_rss_bytes")).toBeGreaterThan(1e6);
  expect(await value("process_cpu_seconds_total")).toBeGreaterThan(0);
  const [plain, open] = await Promise.all([scrape(), scrape("application/openmetrics-text")]);
  expect(plain.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(await plain.text()).not.toContain("# EOF");
  expect(open.headers.get("content-type")).toMatch(/^application\/openmetrics-text/);
  expect(await open.text()).toMatch(/# EOF\n$/);
});

test("health: ready while the server listens and does not drain", async () => {
  const status = async (path: string) => (await fetch(metrics.endpoint + path)).status;
  expect([await status("/healthz"), await status("/readyz")]).toEqual([200, 503]);
  ready = true;
  expect([await status("/healthz"), await status("/readyz"), await status("/")]).toEqual([
    200, 200, 404,
  ]);
  ready = false;
  expect([await status("/healthz"), await status("/readyz")]).toEqual([200, 503]);
});

test("a label never has more than a thousand values", () => {
  const values = new LabelValues();
  for (let n = 0; n < 1_000; n += 1) expect(values.of(`n${n}`, "default")).toBe(`n${n}`);
  expect(values.of("one-more", "default")).toBe("_other");
  expect(values.of("N7 ", "default")).toBe("n7");
  const pairs = new LabelValues();
  for (let n = 0; n < 1_000; n += 1) pairs.beside(`n${n % 40}`, `q${n}`, "_none");
  expect(pairs.beside("n1", "q1", "_none")).toBe("q1");
  expect(pairs.beside("n2", "q1", "_none")).toBe("_other");
});
