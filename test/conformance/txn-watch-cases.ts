/** Decisions in the stream of changes, on every carrier and store. */
import { systemRandom } from "../../src/host/random.ts";
import { addressOf, expect, freshKey, json, type Story, test } from "./lockd-suite.ts";
import { Reader } from "./observation-cases.ts";

const random = systemRandom();

export function txnWatchCases(story: Story): void {
  test("a decision is told to who watches its transaction, once", async () => {
    for (const rollback of [false, true]) {
      const txnId = random.xid();
      const reader = await Reader.ready(story, { txnId });
      const leases = [];
      for (const name of ["a", "b"]) {
        const lease = await story.acquire({ key: freshKey(name), txnId });
        await story.lockd.update(addressOf(lease), json({ n: 1 }));
        leases.push(addressOf(lease));
      }
      expect(reader.kinds).not.toContain("txn_decided");
      const [first] = leases;
      if (first !== undefined) await story.lockd.release({ ...first, rollback });
      await reader.until((events) => events.some(({ kind }) => kind === "txn_decided"));
      const outcome = rollback ? "rollback" : "commit";
      // Deciding again, and what is decided elsewhere, is no news.
      await story.lockd.transactions.decide({ txnId, state: outcome });
      await story.lockd.transactions.decide({ txnId: random.xid(), state: "commit" });
      const last = await story.acquire({ key: freshKey("last"), txnId });
      await reader.until((events) => events.some(({ key }) => key === last.key));
      const told = reader.events.filter(({ kind }) => kind === "txn_decided");
      expect(told).toMatchObject([{ txnId, outcome }]);
      expect(told[0]?.atUnixMs).toBeGreaterThan(Date.now() - 60_000);
      await reader.stop();
    }
  });
}
