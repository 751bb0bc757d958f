/** One transaction record that cannot be read does not hide the others. */
import { describe, expect, test } from "vitest";
import type { TxnListRequest } from "../../../src/api/transactions.ts";
import { txnName } from "../../../src/engine/txn/txn-record.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { testEngine } from "../../support/test-engine.ts";

const [first, damaged, last] = ["a", "b", "c"].map((end) => `000000000000000000${end}0`) as [
  string,
  string,
  string,
];

/** Three transactions, the one in the middle with a flipped bit. */
async function threeRecorded() {
  const store = new ScriptedStore({ atomicPlan: true });
  const { engine } = testEngine({ store });
  for (const txnId of [first, damaged, last]) {
    const key = `of-${txnId}`;
    const lease = await engine.acquire({ key, owner: "w", txnId, ttlSeconds: 20 });
    await engine.update({ ...lease, key }, Buffer.from("{}"));
  }
  const stored = store.objects.get(txnName(damaged));
  if (stored === undefined) throw new Error("no record");
  const bytes = Buffer.from(stored.bytes);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  store.objects.set(txnName(damaged), { ...stored, bytes });
  return testEngine({ store }).engine;
}

const named = [{ txnId: damaged, detail: expect.stringContaining(`t/${damaged}: checksum`) }];

describe("a damaged record", () => {
  test("is named beside the others, whatever was asked for", async () => {
    const engine = await threeRecorded();
    const list = async (request: TxnListRequest) => {
      const { transactions, ...rest } = await engine.transactions.list(request);
      return { ...rest, ids: transactions.map(({ txnId }) => txnId) };
    };
    const all = { ids: [first, last], damaged: named, cursor: undefined };
    expect(await list({})).toEqual(all);
    expect(await list({ state: "pending" })).toEqual(all);
    expect(await list({ state: "commit" })).toEqual({ ...all, ids: [] });
    // It is one of a page, so that a page of nothing but damage has an end too.
    expect(await list({ limit: 2 })).toEqual({ ids: [first], damaged: named, cursor: damaged });
    expect(await list({ limit: 2, cursor: damaged })).toEqual({ ...all, ids: [last], damaged: [] });
    await expect(engine.transactions.explain({ txnId: damaged })).rejects.toMatchObject({
      code: "store_corrupt",
    });
  });

  test("is trouble in an overview that shows the others", async () => {
    const engine = await threeRecorded();
    const overview = await engine.observation.overview({});
    expect(overview.transactions.map(({ txnId }) => txnId)).toEqual([first, last]);
    const detail = expect.stringContaining(damaged);
    expect(overview.trouble).toEqual([{ part: "transactions", code: "store_corrupt", detail }]);
  });
});
