/** Metrics of transactions and the sweeper: what they count. Their names: metric-list.test.ts. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { MachineLoadSampler } from "../../src/host/machine-load.ts";
import { LockdMetrics } from "../../src/server/metrics/lockd-metrics.ts";
import { type RunningMetrics, startMetrics } from "../../src/server/metrics/metrics-server.ts";
import { type TestEngine, testEngine } from "../support/test-engine.ts";

const machine = new MachineLoadSampler();
let parts: TestEngine;
let metrics: RunningMetrics;
beforeAll(async () => {
  parts = testEngine({ transactions: { backendHash: "here" } });
  metrics = await startMetrics({
    metrics: new LockdMetrics({ defaultNamespace: "default", version: "1.2.3", profiling: false }),
    lockd: parts.engine,
    listener: { proto: "tcp", host: "127.0.0.1", port: 0 },
    telemetry: silentTelemetry,
    ready: () => true,
    indexBacklog: () => [],
    sampleMachine: () => machine.sample(),
  });
});
afterAll(async () => {
  await metrics.stop();
  await parts.engine.close();
});

async function scrape(accept = "text/plain"): Promise<string> {
  return (await fetch(`${metrics.endpoint}/metrics`, { headers: { accept } })).text();
}

test("what happened is counted under the labels of the contract", async () => {
  const { engine, clock } = parts;
  const txnId = "000000000000000000v0";
  for (const key of ["a", "b"]) {
    const lease = await engine.acquire({ key, owner: "w", txnId, ttlSeconds: 20 });
    await engine.update({ ...lease, key }, Buffer.from("{}"));
  }
  await engine.transactions.decide({ txnId, state: "commit" });
  await engine.transactions.replay({ txnId });
  const foreign = [{ namespace: "default", key: "far", backendHash: "elsewhere" }];
  const other = "000000000000000001v0";
  const far = engine.transactions.decide({
    txnId: other,
    state: "rollback",
    participants: foreign,
  });
  await expect(far).rejects.toMatchObject({ code: "txn_fanout_failed" });
  await clock.advance(25 * 3600 * 1000);
  await engine.sweep({ opsMax: 1_000, signal: undefined });
  await clock.advance(1);
  const text = await scrape();
  const lines = new Set(text.split("\n"));
  const has = (line: string) => expect([...lines].filter((one) => one === line)).toEqual([line]);
  has('lockd_txn_decisions_recorded_total{lockd_txn_state="pending"} 2');
  has('lockd_txn_decisions_recorded_total{lockd_txn_state="commit"} 1');
  has('lockd_txn_decisions_recorded_total{lockd_txn_state="rollback"} 1');
  has('lockd_txn_apply_applied_total{lockd_txn_state="commit"} 2');
  has('lockd_txn_decide_duration_ms_milliseconds_count{lockd_txn_state="commit"} 1');
  has('lockd_txn_tc_decide_duration_ms_milliseconds_count{lockd_txn_state="commit"} 1');
  has('lockd_txn_tc_decide_duration_ms_milliseconds_bucket{le="30000",lockd_txn_state="commit"} 1');
  has('lockd_txn_replay_duration_ms_milliseconds_count{lockd_txn_state="commit"} 1');
  has('lockd_txn_abandoned_total{lockd_txn_state="rollback"} 1');
  has('lockd_txn_decision_marker_deleted_total{lockd_txn_sweep_mode="idle"} 1');
  has('lockd_sweeper_idle_run_total{lockd_sweeper_result="complete"} 1');
  has("lockd_txn_pending 0");
  has("lockd_txn_stuck 0");
  const labels = 'lockd_txn_state="rollback",lockd_txn_backend_hash="elsewhere"';
  expect(text).toContain(
    `lockd_txn_fanout_failed_total{${labels},lockd_txn_fanout_reason="no_endpoint"}`,
  );
  const counted = 'lockd_txn_apply_applied_total{lockd_txn_state="commit"} 2';
  const open = await scrape("application/openmetrics-text");
  expect(open).toContain(`${counted}\n`);
  expect(open).toMatch(/# EOF\n$/);
  // The open format asks for other names of families; the plain one keeps its own.
  expect(await scrape()).toContain(`${counted}\n`);
});
