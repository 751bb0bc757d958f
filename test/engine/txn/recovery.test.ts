/** What a process that starts makes of the transactions another one left behind. */
import { describe, expect, test } from "vitest";
import type { LeaseAddress } from "../../../src/api/lockd.ts";
import { decodeTxn, encodeTxn } from "../../../src/engine/txn/txn-codec.ts";
import { markerName, txnName } from "../../../src/engine/txn/txn-record.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { testEngine } from "../../support/test-engine.ts";

const txnId = "000000000000000000v0";

/** Two keys with staged changes under one transaction, and the store they are in. */
async function leftBehind(atomicPlan: boolean): Promise<ScriptedStore> {
  const store = new ScriptedStore({ atomicPlan });
  const { engine } = testEngine({ store });
  for (const key of ["a", "b"]) {
    const lease: LeaseAddress = await engine.acquire({ key, owner: "w", txnId, ttlSeconds: 20 });
    await engine.update({ ...lease, key }, Buffer.from(`{"of":"${key}"}`));
  }
  return store;
}

/** The decision became durable, and then the process died. */
function decide(store: ScriptedStore, state: "commit" | "rollback"): void {
  const name = txnName(txnId);
  const stored = store.objects.get(name);
  if (stored === undefined) throw new Error("no record");
  const record = decodeTxn(name, stored.bytes);
  store.objects.set(name, { ...stored, bytes: encodeTxn({ ...record, state }, "w") });
}

describe.each([true, false])("atomic plans: %s", (atomicPlan) => {
  test.each(["commit", "rollback"] as const)("decided: %s", async (state) => {
    const store = await leftBehind(atomicPlan);
    decide(store, state);
    const { engine } = testEngine({ store });
    await engine.transactions.recovery.started;
    await engine.close();
    for (const key of ["a", "b"]) {
      expect((await engine.get({ key, public: true })).exists).toBe(state === "commit");
      expect(await engine.status({ key })).toMatchObject({ held: false, staged: false });
    }
    expect(store.objects.has(txnName(txnId))).toBe(false);
    expect(store.objects.has(markerName(txnId))).toBe(true);
    expect((await engine.transactions.explain({ txnId })).state).toBe(state);
  });

  test.each(["commit", "rollback"] as const)(
    "decided: %s; the first dequeue finds the message as the decision says",
    async (state) => {
      const store = new ScriptedStore({ atomicPlan });
      const first = testEngine({ store });
      await first.engine.queues.enqueue({ queue: "q" }, Buffer.from("x"));
      const ask = { queue: "q", owner: "w", waitSeconds: -1, visibilityTimeoutSeconds: 600 };
      await first.engine.queues.dequeue({ ...ask, txnId });
      decide(store, state);
      const { engine, clock } = testEngine({ store });
      const taken = engine.queues.dequeue(ask);
      // No time passes: the lease of the dead process would hold for minutes.
      if (state === "rollback") {
        await expect(taken).resolves.toMatchObject([{ attempts: 2, failureAttempts: 0 }]);
        return;
      }
      await expect(taken).rejects.toMatchObject({ code: "waiting" });
      await clock.advance(700_000);
      await expect(engine.queues.dequeue(ask)).rejects.toMatchObject({ code: "waiting" });
    },
  );

  test("pending: left alone until its time is over, then rolled back in traffic", async () => {
    const store = await leftBehind(atomicPlan);
    const { engine, clock } = testEngine({ store });
    await engine.transactions.recovery.started;
    expect(await engine.transactions.replay({ txnId })).toEqual({ txnId, state: "pending" });
    await clock.advance(20_000);
    await engine.get({ key: "a", public: true });
    await clock.advance(1_000);
    await engine.close();
    expect(store.objects.has(txnName(txnId))).toBe(false);
    expect((await engine.transactions.explain({ txnId })).state).toBe("rollback");
    expect(await engine.status({ key: "b" })).toMatchObject({ held: false, staged: false });
  });

  test("what is unreadable is told and left, the others are recovered", async () => {
    const store = await leftBehind(atomicPlan);
    decide(store, "commit");
    const damaged = Buffer.from("LT damaged");
    const stored = store.objects.get(txnName(txnId));
    if (stored === undefined) throw new Error("no record");
    store.objects.set("t/00000000000000000000", { ...stored, bytes: damaged });
    const { engine } = testEngine({ store });
    await engine.transactions.recovery.started;
    expect((await engine.get({ key: "a", public: true })).exists).toBe(true);
    expect(engine.meter.total("txn.sweep.load_errors")).toBe(1);
    expect(store.objects.has("t/00000000000000000000")).toBe(true);
  });
});
