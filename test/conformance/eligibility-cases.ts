/** What a query must never show (query-and-lql.md section 13, cases 69 to 75). */
import { expect, json, type Story, test } from "./lockd-suite.ts";
import { Shelf } from "./query-cases.ts";

/** A queue with a message that has a published state, and the state of a dead one. */
export async function keepsAtWork({ namespace, lockd }: Shelf): Promise<void> {
  for (const [queue, maxAttempts] of [
    ["alive", 5],
    ["dead", 1],
  ] as const) {
    const at = { namespace, queue };
    await lockd.queues.enqueue({ ...at, maxAttempts }, json({ n: 1 }));
    const request = { ...at, owner: "w", waitSeconds: 10, withState: true };
    const [delivery] = await lockd.queues.dequeue(request);
    if (delivery?.state === undefined) throw new Error("no delivery with a state");
    const { messageId, leaseId, fencingToken, txnId, metaEtag, state } = delivery;
    const key = `q/${queue}/state/${messageId}`;
    await lockd.update({ namespace, key, ...state }, json({ n: 1 }));
    await lockd.queues.nack({
      ...{ ...at, messageId, leaseId, fencingToken, txnId, metaEtag },
      stateLeaseId: state.leaseId,
      stateFencingToken: state.fencingToken,
    });
    // It is there for who asks for it by name, and for nobody else.
    const kept = await lockd.get({ namespace, key, public: true });
    if (queue === "alive") expect(kept.exists).toBe(true);
  }
  await lockd.queues.dequeue({ namespace, queue: "dead", owner: "w", waitSeconds: -1 }).then(
    () => expect.unreachable("a dead letter was delivered"),
    () => undefined,
  );
}

export function eligibilityCases(story: Story): void {
  test("69, 70, 71: what is staged, rolled back or never published is not there", async () => {
    const shelf = await Shelf.scanned(story);
    await shelf.commit("doc", { s: "old" });
    const lease = await shelf.lease("doc");
    await shelf.lockd.update(lease, json({ s: "new" }));
    expect([await shelf.keys("/s=old"), await shelf.keys("/s=new")]).toEqual([["doc"], []]);
    await shelf.lockd.release(lease);
    expect([await shelf.keys("/s=old"), await shelf.keys("/s=new")]).toEqual([[], ["doc"]]);
    const undone = await shelf.lease("undone");
    await shelf.lockd.update(undone, json({ s: "new" }));
    await shelf.lockd.release({ ...undone, rollback: true });
    await shelf.lease("only-leased");
    expect(await shelf.keys()).toEqual(["doc"]);
  });

  test("72: a removed key is gone at once, and back when it is published again", async () => {
    const shelf = await Shelf.scanned(story);
    await shelf.commit("doc", { n: 1 });
    await shelf.remove("doc");
    expect([await shelf.keys(), (await shelf.rows()).rows]).toEqual([[], []]);
    await shelf.commit("doc", { n: 2 });
    expect(await shelf.keys("/n=2")).toEqual(["doc"]);
  });

  test("73: a hidden key is gone from queries only", async () => {
    const shelf = await Shelf.scanned(story);
    await shelf.commit("doc", { n: 1 });
    await shelf.hide("doc", true);
    expect(await shelf.keys()).toEqual([]);
    const { namespace } = shelf;
    expect((await shelf.lockd.get({ namespace, key: "doc", public: true })).exists).toBe(true);
    await shelf.hide("doc", false);
    expect(await shelf.keys()).toEqual(["doc"]);
  });

  test("74: keys of queues and diagnostics are never shown", async () => {
    const shelf = await Shelf.scanned(story);
    const internal = ["q/jobs/state/1", "q/jobs/msg/1", "lockd-diagnostics/x"];
    const ordinary = ["q/jobs", "q/jobs/states/1", "lockd-diagnostics"];
    for (const key of [...internal, ...ordinary]) await shelf.commit(key, { n: 1 });
    expect(await shelf.keys()).toEqual([...ordinary].sort());
    expect(await shelf.keys("/n=1")).toEqual([...ordinary].sort());
  });

  test("74: messages, their states and dead letters are never shown", async () => {
    const shelf = await Shelf.scanned(story);
    await shelf.commit("doc", { n: 1 });
    await keepsAtWork(shelf);
    expect([await shelf.keys(), await shelf.keys("/n=1")]).toEqual([["doc"], ["doc"]]);
    expect((await shelf.rows()).rows.map(({ key }) => key)).toEqual(["doc"]);
  });

  test("75: a query never leaves its namespace", async () => {
    const one = await Shelf.scanned(story);
    const other = await Shelf.scanned(story);
    await one.commit("same", { in: "one" });
    await other.commit("same", { in: "other" });
    expect((await one.rows()).rows.map(({ doc }) => doc)).toEqual(['{"in":"one"}']);
    expect((await other.rows()).rows.map(({ doc }) => doc)).toEqual(['{"in":"other"}']);
  });
}
