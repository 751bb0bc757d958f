/**
 * Decisions as the coordinator of a cluster sends them (cases 22 and 23), and joining too late
 * (28), on every carrier and store.
 */
import { systemRandom } from "../../src/host/random.ts";
import { addressOf, expect, freshKey, json, refusal, type Story, test } from "./lockd-suite.ts";

const random = systemRandom();

/** A key with a staged state, its transaction, and how the transaction names it. */
async function staged(story: Story) {
  const txnId = random.xid();
  const lease = await story.acquire({ key: freshKey("applied"), txnId });
  await story.lockd.update(addressOf(lease), json({ n: 1 }));
  const { participants } = await story.lockd.transactions.explain({ txnId });
  const backendHash = participants[0]?.backendHash ?? "";
  const participant = { namespace: lease.namespace, key: lease.key };
  return { txnId, lease, backendHash, participants: [participant] };
}

export function txnApplyCases(story: Story): void {
  test("22: a term that was seen is asked for, older ones are refused", async () => {
    const { txnId, lease, participants } = await staged(story);
    const { transactions } = story.lockd;
    const applied = { txnId, participants, tcTerm: 5 };
    expect(await transactions.apply("commit", applied)).toEqual({ txnId, state: "commit" });
    expect(await story.publicText(lease.key)).toBe('{"n":1}');
    const without = { txnId, participants };
    expect(await refusal(transactions.apply("commit", without))).toBe("tc_term_required");
    const older = transactions.apply("commit", { ...without, tcTerm: 4 });
    expect(await refusal(older)).toBe("tc_term_stale");
    expect(await transactions.apply("commit", { ...without, tcTerm: 6 })).toEqual({
      ...{ txnId, state: "commit" },
    });
    const other = transactions.apply("rollback", { ...without, tcTerm: 6 });
    expect(await refusal(other)).toBe("txn_conflict");
    expect((await story.lockd.describe({ key: lease.key })).version).toBe(1);
  });

  test("23: what is meant for another island is not applied here", async () => {
    const { txnId, lease, participants, backendHash } = await staged(story);
    const { transactions } = story.lockd;
    const foreign = { txnId, participants, tcTerm: 1, targetBackendHash: "f".repeat(64) };
    expect(backendHash).not.toBe("");
    expect(await refusal(transactions.apply("commit", foreign))).toBe("txn_backend_mismatch");
    expect(await story.publicText(lease.key)).toBeUndefined();
    const ours = { ...foreign, targetBackendHash: backendHash };
    expect(await transactions.apply("commit", ours)).toEqual({ txnId, state: "commit" });
    expect(await story.publicText(lease.key)).toBe('{"n":1}');
  });

  test("28: a decided transaction takes no more keys", async () => {
    const { txnId } = await staged(story);
    const late = await story.acquire({ key: freshKey("late"), txnId });
    const { transactions } = story.lockd;
    // Somebody elsewhere cannot be told: the record stays, decided and not finished.
    const elsewhere = { namespace: "default", key: "elsewhere", backendHash: "0".repeat(64) };
    const commit = { txnId, state: "commit", participants: [elsewhere] };
    expect(await refusal(transactions.decide(commit))).toBe("txn_fanout_failed");
    const before = await transactions.explain({ txnId });
    expect(before).toMatchObject({ state: "commit", record: "recorded" });
    expect(await refusal(story.lockd.update(addressOf(late), json({})))).toBe("txn_conflict");
    const pending = { txnId, state: "pending", participants: [{ ...elsewhere, key: "more" }] };
    // Without terms the caller is told what is recorded (section 5, D5).
    expect(await transactions.decide(pending)).toEqual({ txnId, state: "commit" });
    const names = (told: typeof before) => told.participants.map(({ key }) => key);
    expect(names(await transactions.explain({ txnId }))).toEqual(names(before));
    expect(await story.publicText(late.key)).toBeUndefined();
  });
}
