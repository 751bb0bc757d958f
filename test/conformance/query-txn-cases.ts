/** Queries beside transactions (query-and-lql.md section 15, case 76). */
import { addressOf, expect, json, type Story, test } from "./lockd-suite.ts";
import { Shelf } from "./query-cases.ts";

export function queryTxnCases(story: Story): void {
  test.each(["commit", "rollback"])(
    "76: a prepared transaction shows nothing, and whole or not at all after %s",
    async (end) => {
      const shelf = await Shelf.scanned(story);
      const { namespace, lockd } = shelf;
      const unused = await shelf.lease("unused");
      await lockd.release(unused);
      const txnId = unused.txnId ?? "";
      for (const key of ["a", "b"]) {
        const request = { namespace, key, owner: "w", ttlSeconds: 30, blockSeconds: -1, txnId };
        await lockd.update(addressOf(await lockd.acquire(request)), json({ n: 1 }));
      }
      const prepared = await lockd.transactions.decide({ txnId, state: "prepare" });
      expect([prepared.state, await shelf.keys("/n=1")]).toEqual(["pending", []]);
      await lockd.transactions.decide({ txnId, state: end });
      expect(await shelf.keys("/n=1")).toEqual(end === "commit" ? ["a", "b"] : []);
    },
  );
}
