/** Case 31 and its like: a process that dies after any write of a decision is recovered. */
import { describe, expect, test } from "vitest";
import type { LeaseAddress } from "../../../src/api/lockd.ts";
import { StoreFailure } from "../../../src/engine/ports/store.ts";
import { type Script, ScriptedStore } from "../../support/scripted-store.ts";
import { testEngine } from "../../support/test-engine.ts";

const txnId = "000000000000000000v0";
const keys = ["a", "b", "c"];

/** Commits three keys on a store whose process dies after `writes` writes of the decision. */
async function killedAfter(writes: number, atomicPlan: boolean) {
  const store = new ScriptedStore({ atomicPlan });
  const { engine, clock } = testEngine({ store });
  let first: (LeaseAddress & { key: string }) | undefined;
  for (const key of keys) {
    const lease = await engine.acquire({ key, owner: "w", txnId, ttlSeconds: 20 });
    await engine.update({ ...lease, key }, Buffer.from(`{"of":"${key}"}`));
    first ??= { ...lease, key };
  }
  const dead: Script = { kind: "fail", failure: new StoreFailure("closed", "the process died") };
  store.scripts.push(...Array.from({ length: writes }, (): Script => ({ kind: "work" })));
  store.scripts.push(...Array.from({ length: 50 }, () => dead));
  const before = store.applies;
  const answer = engine.release(first ?? { key: "a" }).then(
    () => "answered" as const,
    () => "failed" as const,
  );
  for (let at = 0; at < 20; at += 1) await clock.advance(100);
  const told = await answer;
  const used = store.applies - before;
  store.scripts.length = 0;
  return { store, told, died: used > writes };
}

describe.each([true, false])("atomic plans: %s", (atomicPlan) => {
  test("31: after any write of a commit: all keys or none, each version once", async () => {
    const seen = new Set<boolean>();
    for (let writes = 0; ; writes += 1) {
      const { store, told, died } = await killedAfter(writes, atomicPlan);
      const { engine, clock } = testEngine({ store });
      await engine.transactions.recovery.started;
      const { state } = await engine.transactions.replay({ txnId });
      for (let at = 0; at < 5; at += 1) await clock.advance(100);
      const versions = await Promise.all(
        keys.map(async (key) => (await engine.describe({ key })).version ?? 0),
      );
      const committed = state === "commit";
      expect({ writes, versions }).toEqual({
        writes,
        versions: keys.map(() => (committed ? 1 : 0)),
      });
      if (told === "answered") expect(committed).toBe(true);
      for (const key of committed ? keys : []) {
        const got = await engine.get({ key, public: true });
        expect(got.exists && Buffer.from(got.body as Uint8Array).toString()).toBe(
          `{"of":"${key}"}`,
        );
        expect(await engine.status({ key })).toMatchObject({ held: false, staged: false });
      }
      seen.add(committed);
      await engine.close();
      if (!died) break;
      expect(writes).toBeLessThan(20);
    }
    expect([...seen].sort()).toEqual([false, true]);
  });
});
