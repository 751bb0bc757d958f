/** The metrics listener: names of the contract, counted calls, health for orchestrators. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { LabelValues } from "../../src/server/metrics/label-values.ts";
import { type RunningMetrics, startMetrics } from "../../src/server/metrics/metrics-server.ts";
import { testEngine } from "../support/test-engine.ts";

let engine: Engine;
let metrics: RunningMetrics;
let draining = false;
beforeAll(async () => {
  ({ engine } = testEngine());
  metrics = await startMetrics({
    lockd: engine,
    listener: { proto: "tcp", host: "127.0.0.1", port: 0 },
    defaultNamespace: "default",
    version: "1.2.3",
    profiling: true,
    telemetry: silentTelemetry,
    draining: () => draining,
  });
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
  const { lockd } = metrics;
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

test("health: ready until the server drains", async () => {
  const status = async (path: string) => (await fetch(metrics.endpoint + path)).status;
  expect([await status("/healthz"), await status("/readyz"), await status("/")]).toEqual([
    200, 200, 404,
  ]);
  draining = true;
  expect([await status("/healthz"), await status("/readyz")]).toEqual([200, 503]);
});

test("a label never has more than a thousand values", () => {
  const values = new LabelValues();
  for (let n = 0; n < 1_000; n += 1) expect(values.of(`n${n}`, "default")).toBe(`n${n}`);
  expect(values.of("one-more", "default")).toBe("_other");
  expect(values.of("N7 ", "default")).toBe("n7");
});
