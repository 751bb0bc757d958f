/** Names as completions ask for them: the same on every carrier and store. */
import { addressOf, expect, freshKey, json, type Story, test } from "./lockd-suite.ts";

export function namesCases(story: Story): void {
  const names = async (request: Parameters<Story["lockd"]["observation"]["names"]>[0]) =>
    await story.lockd.observation.names(request);

  test("names: keys that start with a text, whole while they fit", async () => {
    const namespace = freshKey("ns").replace("/", "-");
    for (const key of ["jobs/1", "jobs/2/a", "jobs/2/b", "jobs", "other"]) {
      await story.acquire({ namespace, key });
    }
    const kind = "key";
    expect(await names({ kind, namespace, prefix: "jo" })).toEqual({
      names: ["jobs", "jobs/1", "jobs/2/a", "jobs/2/b"],
      more: false,
    });
    expect((await names({ kind, namespace, prefix: "JOBS/2" })).names).toHaveLength(2);
    expect(await names({ kind, namespace, prefix: "none" })).toEqual({ names: [], more: false });
    const few = await names({ kind, namespace, limit: 3 });
    expect(few).toEqual({ names: ["jobs", "jobs/", "other"], more: false });
    expect(await names({ kind, namespace, limit: 2 })).toEqual({
      names: ["jobs", "jobs/"],
      more: true,
    });
    const inside = await names({ kind, namespace, prefix: "jobs/", limit: 2 });
    expect(inside).toEqual({ names: ["jobs/1", "jobs/2/"], more: false });
  });

  test("names: namespaces and queues, also those with dead letters only", async () => {
    const namespace = freshKey("ns").replace("/", "-");
    await story.acquire({ namespace });
    const { queues } = story.lockd;
    for (const queue of ["mail", "mails", "print"]) {
      await queues.enqueue({ namespace, queue, maxAttempts: 1 }, json("a"));
    }
    const [delivery] = await queues.dequeue({
      namespace,
      queue: "print",
      owner: "w",
      waitSeconds: -1,
    });
    if (delivery === undefined) throw new Error("nothing was delivered");
    await queues.nack({ ...delivery, lastError: "broken" });
    expect((await names({ kind: "queue", namespace })).names).toEqual(["mail", "mails", "print"]);
    expect((await names({ kind: "queue", namespace, prefix: "ma" })).names).toHaveLength(2);
    expect((await names({ kind: "namespace", prefix: namespace })).names).toEqual([namespace]);
  });

  test("names: transactions that are recorded", async () => {
    const lease = await story.acquire();
    await story.lockd.update(addressOf(lease), json({ a: 1 }));
    const { txnId } = lease;
    await story.lockd.transactions.decide({ txnId, state: "pending" });
    const found = await names({ kind: "txn", prefix: txnId.slice(0, 12), limit: 1_000 });
    expect(found.names).toContain(txnId);
  });

  test.each([
    [{ kind: "lease" }, "invalid_observation"],
    [{}, "invalid_observation"],
    [{ kind: "key", limit: 0 }, "invalid_observation"],
    [{ kind: "key", limit: 1_001 }, "invalid_observation"],
    [{ kind: "key", prefix: "x".repeat(257) }, "invalid_observation"],
    [{ kind: "key", namespace: ".hidden" }, "invalid_namespace"],
  ])("names: %j is refused with %s", async (request, code) => {
    await expect(names(request)).rejects.toMatchObject({ code });
  });
}
