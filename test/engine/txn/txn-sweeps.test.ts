/** Recovery in traffic and by the idle sweeper: how much, when, and what is given up at last. */
import { expect, test } from "vitest";
import type { VersionTag } from "../../../src/engine/ports/store.ts";
import type { Telemetry } from "../../../src/engine/ports/telemetry.ts";
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { encodeTxn } from "../../../src/engine/txn/txn-codec.ts";
import { markerName, type TxnRecord, txnName } from "../../../src/engine/txn/txn-record.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { type TestEngine, testEngine } from "../../support/test-engine.ts";

function idOf(number: number): string {
  return `${number.toString(32).padStart(19, "0")}0`;
}

/** Recorded transactions about keys that nobody ever wrote. */
function withRecords(count: number, fields: Partial<TxnRecord>, shared = true): ScriptedStore {
  const store = new ScriptedStore({ exclusive: !shared });
  for (let number = 1; number <= count; number += 1) {
    const record: TxnRecord = {
      ...{ txnId: idOf(number), state: "commit", tcTerm: 0 },
      ...{ expiresAtUnix: 9e9, createdAtUnix: 1, updatedAtUnix: 1, decidedAtMs: 1000 },
      participants: [{ backendHash: "", namespace: "default", key: `k${number}`, applied: false }],
      ...fields,
    };
    const bytes = encodeTxn(record, `w${number}`);
    store.objects.set(txnName(record.txnId), { bytes, tag: `t${number}` as VersionTag });
  }
  return store;
}

function recorded(store: ScriptedStore): number {
  return [...store.objects.keys()].filter((name) => name.startsWith("t/")).length;
}

/** One request that counts as traffic, and time for what it starts. */
async function traffic({ engine, clock }: TestEngine): Promise<void> {
  await engine.transactions.list({});
  await engine.get({ key: "some", public: true });
  await clock.advance(1);
}

test("41: 300 decided transactions are ended 128 at a time, once an interval", async () => {
  const store = withRecords(300, {});
  const parts = testEngine({ store, transactions: { replayIntervalMs: 5_000 } });
  const { engine, clock } = parts;
  // Where decisions are one write, only a process that uses transactions looks after them.
  await engine.transactions.decide({ txnId: idOf(999), state: "commit" });
  const left: number[] = [];
  for (let look = 0; look < 3; look += 1) {
    await traffic(parts);
    await traffic(parts);
    left.push(recorded(store));
    await clock.advance(5_000);
  }
  expect(left).toEqual([172, 44, 0]);
  expect(engine.meter.total("txn.sweep.applied", "transparent")).toBe(300);
  await engine.close();
});

test("a dequeue and a subscription look after transactions as a get does", async () => {
  for (const verb of ["dequeue", "subscribe"] as const) {
    const store = withRecords(3, {});
    const { engine, clock } = testEngine({ store });
    await engine.transactions.decide({ txnId: idOf(999), state: "commit" });
    const request = { queue: "q", owner: "w", waitSeconds: -1 };
    await expect(engine.queues[verb](request)).rejects.toMatchObject({ code: "waiting" });
    await clock.advance(1);
    expect(recorded(store)).toBe(0);
    await engine.close();
  }
});

test("who asks for long intervals gets no look at the first request", async () => {
  const store = withRecords(3, {});
  const parts = testEngine({ store, transactions: { replayIntervalMs: 60_000 } });
  await parts.engine.transactions.decide({ txnId: idOf(999), state: "commit" });
  await traffic(parts);
  expect(recorded(store)).toBe(3);
  await parts.clock.advance(60_000);
  await traffic(parts);
  expect(recorded(store)).toBe(0);
  await parts.engine.close();
});

test("40: the idle sweeper stops within one transaction when somebody comes", async () => {
  const store = withRecords(20, {});
  const { engine } = testEngine({ store });
  let asked = 0;
  const signal = {
    get aborted() {
      asked += 1;
      return recorded(store) <= 15;
    },
  };
  await engine.sweep({ opsMax: 1_000, signal });
  expect(asked).toBeGreaterThan(5);
  expect(recorded(store)).toBe(15);
  expect(engine.meter.total("sweeper.idle.run", "activity")).toBe(1);
  await engine.sweep({ opsMax: 1_000, signal: undefined });
  expect(recorded(store)).toBe(0);
  expect(engine.meter.total("txn.sweep.applied", "idle")).toBe(20);
  await engine.close();
});

test("39: a decision older than its retention is forgotten: its id may be used again", async () => {
  const { engine, clock, store } = testEngine({ transactions: { retentionSeconds: 100 } });
  const txnId = idOf(1);
  await engine.transactions.decide({ txnId, state: "commit" });
  await clock.advance(99_000);
  const again = await engine.transactions.decide({ txnId, state: "rollback" });
  expect(again.state).toBe("commit");
  await clock.advance(1_000);
  expect((await engine.transactions.decide({ txnId, state: "rollback" })).state).toBe("rollback");
  await clock.advance(101_000);
  await engine.sweep({ opsMax: 100, signal: undefined });
  expect(store.objects.has(markerName(txnId))).toBe(false);
  expect(engine.meter.total("txn.decision.marker.deleted", "idle")).toBe(1);
  await engine.close();
});

test.each([true, false])(
  "decisions are forgotten behind later ones, without any idle sweep (atomic plans: %s)",
  async (atomicPlan) => {
    const store = new ScriptedStore({ atomicPlan });
    const { engine, clock } = testEngine({ store, transactions: { retentionSeconds: 100 } });
    const decide = (number: number) =>
      engine.transactions.decide({ txnId: idOf(number), state: "commit" });
    const markers = () => [...store.objects.keys()].filter((name) => name.startsWith("td/"));
    for (let number = 1; number <= 300; number += 1) await decide(number);
    await clock.advance(99_000);
    await decide(301);
    await clock.advance(0);
    expect(markers()).toHaveLength(301);
    await clock.advance(6_000);
    await decide(302);
    // Looked after now and then only: the next one has to wait for its turn.
    await decide(303);
    await expect.poll(() => markers().length).toBe(3);
    await engine.close();
    expect(markers()).toEqual([301, 302, 303].map((number) => markerName(idOf(number))));
    expect(engine.meter.total("txn.decision.marker.deleted", "transparent")).toBe(300);
  },
);

test("a decision that never reaches a participant is given up in the end, and told", async () => {
  const lines: { readonly event: string; readonly fields: unknown }[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    error: (_sys, event, fields) => lines.push({ event, fields }),
  };
  const { engine, clock, store } = testEngine({
    telemetry,
    transactions: { retentionSeconds: 100, backendHash: "here" },
  });
  const txnId = idOf(1);
  const participants = [{ namespace: "default", key: "far", backendHash: "elsewhere" }];
  const commit = engine.transactions.decide({ txnId, state: "commit", participants });
  await expect(commit).rejects.toMatchObject({ code: "txn_fanout_failed" });
  await clock.advance(99_000);
  await expect(engine.transactions.replay({ txnId })).rejects.toMatchObject({
    code: "txn_fanout_failed",
  });
  expect(store.objects.has(txnName(txnId))).toBe(true);
  const before = await engine.transactions.explain({ txnId });
  expect(before.participants).toMatchObject([{ key: "far", applied: false, now: "elsewhere" }]);
  expect(before.story).toEqual([
    expect.stringMatching(/^began at .* has 1 participant$/),
    expect.stringMatching(/^was decided at .*: commit$/),
    "0 of 1 participant confirmed it",
    "default/far has not confirmed it yet (elsewhere)",
    expect.stringContaining("`lockd txn replay` does it now"),
  ]);
  await clock.advance(1_000);
  await engine.sweep({ opsMax: 100, signal: undefined });
  await clock.advance(1);
  expect(store.objects.has(txnName(txnId))).toBe(false);
  expect(engine.meter.total("txn.abandoned", "commit")).toBe(1);
  expect(lines).toEqual([
    {
      event: "txn.abandoned",
      fields: expect.objectContaining({ txn_id: txnId, participants: "default/far@elsewhere" }),
    },
  ]);
  const told = await engine.transactions.explain({ txnId });
  expect(told).toMatchObject({ state: "commit", record: "finished" });
  expect(told.participants).toMatchObject([{ key: "far", applied: false }]);
  expect(told.story.join("\n")).toContain("default/far never confirmed");
  await engine.close();
});
