/** Messages enqueued inside transactions, on every carrier and store. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EnqueueResult, QueueWatchEvent } from "../../src/api/queues.ts";
import { systemRandom } from "../../src/host/random.ts";
import { addressOf, expect, freshKey, json, longAgo, type Story, test } from "./lockd-suite.ts";
import { becomes, identityOf, QueueStory, textOf } from "./queue-story.ts";

const random = systemRandom();

/** A transaction and what its client does with it. */
class Txn {
  readonly txnId = random.xid();
  readonly #story: Story;

  constructor(story: Story) {
    this.#story = story;
  }

  send(queue: QueueStory, text: string, request: object = {}): Promise<EnqueueResult> {
    return queue.put(text, { ...request, txnId: this.txnId });
  }

  async end(state: "commit" | "rollback"): Promise<void> {
    const { txnId } = this;
    expect(await this.#story.lockd.transactions.decide({ txnId, state })).toEqual({ txnId, state });
  }

  async standings(): Promise<readonly string[]> {
    const { participants } = await this.#story.lockd.transactions.explain({ txnId: this.txnId });
    return participants.map(({ now }) => now);
  }
}

/** Everything that is ready, in the order of its delivery; each is settled. */
async function drained(queue: QueueStory): Promise<readonly string[]> {
  const texts: string[] = [];
  for (;;) {
    const [delivery] = await queue.page().catch(() => []);
    if (delivery === undefined) return texts;
    texts.push(await textOf(delivery));
    await queue.queues.ack(identityOf(delivery));
  }
}

export function stagedMessageCases(story: Story): void {
  test("a staged message is nowhere until the commit, and gone after a rollback", async () => {
    for (const state of ["commit", "rollback"] as const) {
      const queue = new QueueStory(story);
      const txn = new Txn(story);
      const sent = await txn.send(queue, "hello", { attributes: { a: 1 } });
      expect(sent).toMatchObject({ txnId: txn.txnId, duplicate: false, payloadBytes: 5 });
      expect(await drained(queue)).toEqual([]);
      const stats = await queue.queues.stats({ queue: queue.queue });
      expect([stats.available, stats.pendingCandidates]).toEqual([false, 0]);
      const { queues } = await queue.queues.list({ limit: 1000 });
      expect(queues.map((one) => one.queue)).not.toContain(queue.queue);
      const { letters } = await queue.queues.deadLetters({ queue: queue.queue });
      expect(letters).toEqual([]);
      const invented = { leaseId: longAgo, fencingToken: 1, txnId: txn.txnId, metaEtag: longAgo };
      const claim = { queue: queue.queue, messageId: sent.messageId, ...invented };
      await expect(queue.queues.ack(claim)).rejects.toMatchObject({ code: "not_found" });
      expect(await txn.standings()).toEqual(["staged"]);
      await txn.end(state);
      if (state === "commit") {
        const delivery = await queue.take();
        expect(delivery).toMatchObject({ messageId: sent.messageId, attempts: 1 });
        expect(delivery.attributes).toEqual({ a: 1 });
        expect(await textOf(delivery)).toBe("hello");
        expect(await txn.standings()).toEqual(["other transaction"]);
        await queue.queues.ack(identityOf(delivery));
      }
      expect(await drained(queue)).toEqual([]);
      expect(await txn.standings()).toEqual(["gone"]);
    }
  });

  test("an enqueue behind the commit is refused, and leaves nothing", async () => {
    for (const state of ["commit", "rollback"] as const) {
      const queue = new QueueStory(story);
      const txn = new Txn(story);
      await txn.send(queue, "in time");
      await txn.end(state);
      for (const text of ["late", "l".repeat(100_000)]) {
        const late = txn.send(queue, text);
        await expect(late).rejects.toMatchObject({ code: "txn_conflict" });
      }
      expect(await drained(queue)).toEqual(state === "commit" ? ["in time"] : []);
      expect(await txn.standings()).toEqual(["gone"]);
    }
  });

  test("two queues and no lease: both messages or none", async () => {
    for (const state of ["commit", "rollback"] as const) {
      const [one, other] = [new QueueStory(story), new QueueStory(story)];
      const txn = new Txn(story);
      await txn.send(one, "one");
      await txn.send(other, "other");
      expect(await txn.standings()).toEqual(["staged", "staged"]);
      await txn.end(state);
      const found = [...(await drained(one)), ...(await drained(other))];
      expect(found).toEqual(state === "commit" ? ["one", "other"] : []);
    }
  });

  test("consume, transform, produce: an ack commits it all, a nack none of it", async () => {
    for (const settle of ["ack", "nack"] as const) {
      const [input, output] = [new QueueStory(story), new QueueStory(story)];
      await input.put("raw");
      const txn = new Txn(story);
      const { txnId } = txn;
      const taken = await input.take({ txnId, visibilityTimeoutSeconds: 60 });
      const lease = await story.acquire({ key: freshKey("seen"), txnId });
      await story.lockd.update(addressOf(lease), json({ seen: true }));
      await txn.send(output, (await textOf(taken)).toUpperCase());
      expect(await drained(output)).toEqual([]);
      await input.queues[settle](identityOf(taken));
      const isDone = settle === "ack";
      expect(await story.publicText(lease.key)).toBe(isDone ? '{"seen":true}' : undefined);
      expect(await drained(output)).toEqual(isDone ? ["RAW"] : []);
      expect(await drained(input)).toEqual(isDone ? [] : ["raw"]);
    }
  });

  test("releasing a key of the transaction sends its messages", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    const lease = await story.acquire({ txnId: txn.txnId });
    await story.lockd.update(addressOf(lease), json({ paid: true }));
    await txn.send(queue, "paid");
    await story.lockd.release(addressOf(lease));
    expect(await drained(queue)).toEqual(["paid"]);
  });

  test("the messages of a transaction come in the order of enqueue", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    const texts = Array.from({ length: 12 }, (_, at) => `m${at}`);
    for (const text of texts) await txn.send(queue, text);
    await queue.put("between");
    // Not in the same millisecond, or their ids would decide.
    await sleep(20);
    await txn.end("commit");
    expect(await drained(queue)).toEqual(["between", ...texts]);
  });

  test("sent side by side, all of them appear", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    const texts = Array.from({ length: 20 }, (_, at) => `m${at}`);
    await Promise.all(texts.map((text) => txn.send(queue, text)));
    await txn.end("commit");
    expect([...(await drained(queue))].sort()).toEqual([...texts].sort());
  });

  test("a delay and a time to live count from the commit", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    await txn.send(queue, "late", { delaySeconds: 2 });
    await txn.send(queue, "short", { ttlSeconds: 2 });
    await sleep(2_200);
    await txn.end("commit");
    const first = await queue.take();
    expect(await textOf(first)).toBe("short");
    await queue.queues.ack(identityOf(first));
    expect(await drained(queue)).toEqual([]);
    expect(await textOf(await queue.take({ waitSeconds: 10 }))).toBe("late");
  });

  test("priority, deliveries and failures are those of any message", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    await txn.send(queue, "low");
    await txn.send(queue, "high", { priority: 7, maxDeliveries: 1 });
    await txn.send(queue, "once", { priority: 5, maxAttempts: 1 });
    await txn.end("commit");
    for (const text of ["high", "once"]) {
      const delivery = await queue.take();
      expect(await textOf(delivery)).toBe(text);
      await queue.queues.nack({ ...identityOf(delivery), intent: "failure" });
    }
    expect(await drained(queue)).toEqual(["low"]);
    const dead = async () =>
      (await queue.queues.deadLetters({ queue: queue.queue })).letters.length;
    await becomes(dead, 2);
  });

  test("a large payload is streamed, and delivered whole", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    const text = "0123456789abcdef".repeat(20_000);
    await txn.send(queue, text);
    await txn.end("commit");
    expect((await textOf(await queue.take())) === text).toBe(true);
  });

  test("a commit wakes who waits, and tells who watches", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    const ended = new AbortController();
    const seen: QueueWatchEvent[] = [];
    const watch = await queue.queues.watch({ queue: queue.queue }, { signal: ended.signal });
    const watching = (async () => {
      for await (const event of watch) seen.push(event);
    })();
    await becomes(() => seen.length, 1);
    await txn.send(queue, "news");
    const waiting = queue.take({ waitSeconds: 20 });
    await sleep(300);
    expect(seen.map(({ available }) => available)).toEqual([false]);
    await txn.end("commit");
    expect(await textOf(await waiting)).toBe("news");
    // Whether the first is seen before it is taken is a matter of luck. Nobody takes the second.
    const second = new Txn(story);
    const { messageId } = await second.send(queue, "more");
    await second.end("commit");
    await becomes(() => seen.at(-1)?.headMessageId, messageId);
    expect(seen.at(-1)).toMatchObject({ available: true });
    ended.abort();
    await watching.catch(() => undefined);
  });

  test("a decision may be repeated, and sends nothing twice", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    const { messageId } = await txn.send(queue, "once");
    await txn.end("commit");
    await txn.end("commit");
    const participants = [{ namespace: "default", key: `q/${queue.queue}/msg/${messageId}` }];
    const again = { txnId: txn.txnId, state: "commit", participants };
    await story.lockd.transactions.decide(again);
    const delivery = await queue.take();
    await story.lockd.transactions.decide(again);
    await queue.queues.ack(identityOf(delivery));
    await story.lockd.transactions.decide(again);
    expect(await drained(queue)).toEqual([]);
  });

  test("a rolled back transaction takes no more messages, and a wrong id none", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    await txn.send(queue, "early");
    await txn.end("rollback");
    await expect(txn.send(queue, "late")).rejects.toMatchObject({ code: "txn_conflict" });
    const wrong = queue.put("x", { txnId: "nope" });
    await expect(wrong).rejects.toMatchObject({ code: "invalid_txn" });
    expect(await drained(queue)).toEqual([]);
  });

  test("a second message with a key of the same transaction is the first", async () => {
    const queue = new QueueStory(story);
    const txn = new Txn(story);
    const first = await txn.send(queue, "first", { dedupeKey: "k" });
    const second = await txn.send(queue, "second", { dedupeKey: "k" });
    expect(second).toMatchObject({ duplicate: true, messageId: first.messageId });
    await txn.end("commit");
    const third = await queue.put("third", { dedupeKey: "k" });
    expect(third).toMatchObject({ duplicate: true, messageId: first.messageId });
    expect(await drained(queue)).toEqual(["first"]);
  });

  test("of two transactions with one key the first to commit sends its message", async () => {
    const queue = new QueueStory(story);
    const [one, other] = [new Txn(story), new Txn(story)];
    expect((await one.send(queue, "one", { dedupeKey: "k" })).duplicate).toBe(false);
    expect((await other.send(queue, "other", { dedupeKey: "k" })).duplicate).toBe(false);
    await other.send(queue, "beside");
    await other.end("commit");
    await one.end("commit");
    expect(await drained(queue)).toEqual(["other", "beside"]);
  });

  test("a committed key counts in a transaction, and a rolled back one is free", async () => {
    const queue = new QueueStory(story);
    const committed = await queue.put("committed", { dedupeKey: "k" });
    const txn = new Txn(story);
    const again = await txn.send(queue, "again", { dedupeKey: "k" });
    expect(again).toMatchObject({ duplicate: true, messageId: committed.messageId });
    await txn.send(queue, "dropped", { dedupeKey: "free" });
    await txn.end("rollback");
    const free = await queue.put("free", { dedupeKey: "free" });
    expect(free.duplicate).toBe(false);
    expect(await drained(queue)).toEqual(["committed", "free"]);
  });

  test("an open transaction holds up no group; the order within one is kept", async () => {
    const queue = new QueueStory(story);
    const [open, txn] = [new Txn(story), new Txn(story)];
    await open.send(queue, "open", { group: "g" });
    await txn.send(queue, "t1", { group: "g" });
    await queue.put("p1", { group: "g" });
    await txn.send(queue, "t2", { group: "g", dedupeKey: "k" });
    await txn.end("commit");
    await queue.put("p2", { group: "g" });
    await sleep(20);
    const first = await queue.take();
    expect(await textOf(first)).toBe("p1");
    // One at a time, also for those that came by a commit.
    await queue.expectEmpty();
    await queue.queues.ack(identityOf(first));
    expect(await drained(queue)).toEqual(["t1", "t2", "p2"]);
    await open.end("rollback");
    await queue.put("p3", { group: "g" });
    expect(await drained(queue)).toEqual(["p3"]);
  });
}
