/** Subscriptions, the state of a message, groups, keys, priority (cases 29 to 37, 67 to 72). */
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "../../src/api/queues.ts";
import { expect, json, type Story, test } from "./lockd-suite.ts";
import { becomes, identityOf, QueueStory, textOf } from "./queue-story.ts";

export function subscribeCases(story: Story): void {
  test("29: an empty queue refuses a subscription after its wait", async () => {
    const queue = new QueueStory(story);
    const request = { queue: queue.queue, owner: "s", waitSeconds: 1 };
    await expect(queue.queues.subscribe(request)).rejects.toMatchObject({ code: "waiting" });
    const atOnce = queue.queues.subscribe({ ...request, waitSeconds: -1 });
    await expect(atOnce).rejects.toMatchObject({ code: "waiting" });
  });

  test("30: who does not wait gets what there is and the end", async () => {
    const queue = new QueueStory(story);
    for (const text of ["a", "b", "c"]) await queue.put(text);
    const request = { queue: queue.queue, owner: "s", waitSeconds: -1 };
    const texts: string[] = [];
    for await (const delivery of await queue.queues.subscribe(request)) {
      texts.push(await textOf(delivery));
      await queue.ack(delivery);
    }
    expect(texts).toEqual(["a", "b", "c"]);
  });

  test("30: the end does not wait for what was delivered to be settled", async () => {
    const queue = new QueueStory(story);
    await queue.put("only");
    const request = { queue: queue.queue, owner: "s", waitSeconds: -1 };
    const texts: string[] = [];
    for await (const delivery of await queue.queues.subscribe(request)) {
      texts.push(await textOf(delivery));
    }
    expect(texts).toEqual(["only"]);
    await queue.expectEmpty();
  });

  test("31: a bounded wait bounds only the first message", async () => {
    const queue = new QueueStory(story);
    await queue.put("first");
    const request = { queue: queue.queue, owner: "s", waitSeconds: 1, pageSize: 2 };
    const stream = await queue.queues.subscribe(request);
    const deliveries = stream[Symbol.asyncIterator]();
    expect(await textOf(await taken(deliveries))).toBe("first");
    const second = taken(deliveries);
    await sleep(1500);
    await queue.put("second");
    expect(await textOf(await second)).toBe("second");
    await stream.close();
    expect((await deliveries.next()).done).toBe(true);
  });

  test("33: the window opens with ack, nack and the end of a lease", async () => {
    const queue = new QueueStory(story);
    const ids: string[] = [];
    for (const text of ["a", "b", "c", "d"]) ids.push((await queue.put(text)).messageId);
    const request = { queue: queue.queue, owner: "s", waitSeconds: 0, visibilityTimeoutSeconds: 2 };
    const stream = await queue.queues.subscribe(request);
    const deliveries = stream[Symbol.asyncIterator]();
    const first = await taken(deliveries);
    expect(first.messageId).toBe(ids[0]);
    const next = taken(deliveries);
    expect(await Promise.race([next, sleep(300).then(() => "closed window")])).toBe(
      "closed window",
    );
    const stats = await queue.queues.stats({ queue: queue.queue });
    expect(stats.headMessageId).toBe(ids[1]);
    await queue.ack(first);
    const second = await next;
    expect(second.messageId).toBe(ids[1]);
    await queue.queues.nack({ ...identityOf(second), delaySeconds: 60 });
    const third = await taken(deliveries);
    expect(third.messageId).toBe(ids[2]);
    // Nothing is done about the third: its lease ends, and it is behind the fourth by then.
    expect((await taken(deliveries)).messageId).toBe(ids[3]);
    await stream.close();
  });

  test("35: what was not read when a stream closes is ready at once, nobody waits", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const request = { queue: queue.queue, owner: "s", waitSeconds: 0 };
    const unread = await queue.queues.subscribe(request);
    await unread.close();
    const delivery = await queue.take();
    expect(delivery.attempts).toBe(2);
    const leaving = new AbortController();
    await queue.put("y");
    const call = { signal: leaving.signal };
    const stream = await queue.queues.subscribe({ ...request, pageSize: 3 }, call);
    const reading = (async () => {
      for await (const _ of stream);
    })();
    const waiting = async (): Promise<number> =>
      (await queue.queues.stats({ queue: queue.queue })).waitingConsumers;
    await becomes(waiting, 1);
    leaving.abort();
    await reading.catch(() => undefined);
    await becomes(waiting, 0);
    await queue.expectEmpty();
  });
}

async function taken(deliveries: AsyncIterator<Delivery>): Promise<Delivery> {
  const next = await deliveries.next();
  if (next.done === true) throw new Error("the stream has ended");
  return next.value;
}

function stateAddress({ namespace, queue, messageId, state }: Delivery): {
  namespace: string;
  key: string;
  leaseId: string;
  txnId: string;
  fencingToken: number;
} {
  if (state === undefined) throw new Error("the delivery has no state");
  const { leaseId, txnId, fencingToken } = state;
  return { namespace, key: `q/${queue}/state/${messageId}`, leaseId, txnId, fencingToken };
}

export function stateCases(story: Story): void {
  const update = (delivery: Delivery, value: unknown): Promise<unknown> =>
    story.lockd.update(stateAddress(delivery), json(value));
  const read = (delivery: Delivery): Promise<string | undefined> =>
    story.leasedText(stateAddress(delivery));

  test("37, 67, 71: the state comes with its lease and goes with the message", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const delivery = await queue.take({ withState: true });
    expect(delivery.state?.txnId).toBe(delivery.txnId);
    expect(delivery.state?.fencingToken).toBe(1);
    expect(delivery.state?.etag).not.toBe("");
    expect(await read(delivery)).toBeUndefined();
    await update(delivery, { step: 1 });
    expect(await read(delivery)).toBe('{"step":1}');
    await queue.queues.ack({ ...identityOf(delivery), stateEtag: delivery.state?.etag });
    const { key } = stateAddress(delivery);
    expect(await story.publicText(key)).toBeUndefined();
    await expect(story.lockd.describe({ key })).resolves.toMatchObject({ version: 0 });
    const late = story.lockd.update(stateAddress(delivery), json({ step: 2 }));
    await expect(late).rejects.toMatchObject({ code: "lease_required" });
  });

  test("68: a nack keeps the work so far for the next delivery", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const first = await queue.take({ withState: true });
    await update(first, { step: 1 });
    await queue.queues.nack(identityOf(first));
    const second = await queue.take({ withState: true });
    expect(await read(second)).toBe('{"step":1}');
    expect(second.state?.etag).toBe(first.state?.etag);
    expect(second.state?.fencingToken).toBeGreaterThan(first.state?.fencingToken ?? 0);
    const hidden = await story.lockd.describe({ key: stateAddress(second).key });
    expect(hidden.metadata.queryHidden).toBe(true);
  });

  test("69: a lapsed lease loses it", async () => {
    const queue = new QueueStory(story);
    await queue.put("x", { visibilityTimeoutSeconds: 3 });
    await update(await queue.take({ withState: true }), { step: 1 });
    const second = await queue.take({ withState: true });
    expect(await read(second)).toBeUndefined();
  });

  test("59, 70: the state is kept alive by extend alone, checks before writes", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const delivery = await queue.take({ withState: true });
    const kept = story.lockd.keepAlive(stateAddress(delivery));
    const unsupported = { code: "queue_state_keepalive_unsupported" };
    await expect(kept).rejects.toMatchObject(unsupported);
    const identity = identityOf(delivery);
    const wrong = queue.queues.extend({ ...identity, stateFencingToken: 9 });
    await expect(wrong).rejects.toMatchObject({ code: "fencing_mismatch" });
    const other = queue.queues.extend({ ...identity, stateLeaseId: delivery.leaseId });
    await expect(other).rejects.toMatchObject({ code: "lease_required" });
    const extended = await queue.queues.extend({ ...identity, extendBySeconds: 60 });
    expect(extended.stateLeaseExpiresAtUnix).toBe(extended.leaseExpiresAtUnix);
    await update(delivery, { still: "held" });
    await queue.put("stateless");
    const stateless = await queue.take();
    const none = queue.queues.extend({ ...identityOf(stateless), stateLeaseId: delivery.leaseId });
    await expect(none).rejects.toMatchObject({ code: "state_not_found" });
  });

  test("72: an ack with another state_etag changes nothing", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const delivery = await queue.take({ withState: true });
    await update(delivery, { step: 1 });
    const stale = queue.queues.ack({ ...identityOf(delivery), stateEtag: "another" });
    await expect(stale).rejects.toMatchObject({ code: "cas_mismatch" });
    expect(await read(delivery)).toBe('{"step":1}');
    await queue.ack(delivery);
  });

  test("explicit transactions: an ack commits, a nack rolls back what was staged", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const txnId = "0123456789abcdefghi0";
    const first = await queue.take({ withState: true, txnId });
    expect(first).toMatchObject({ txnId });
    await update(first, { step: 1 });
    await queue.queues.nack(identityOf(first));
    // What was rolled back is over; the next delivery has a transaction of its own.
    const second = await queue.take({ withState: true, txnId: "0123456789abcdefghig" });
    expect(second).toMatchObject({ attempts: 2, failureAttempts: 1 });
    expect(await read(second)).toBeUndefined();
    await queue.ack(second);
    await queue.expectEmpty();
  });
}

export function extensionCases(story: Story): void {
  test("priority: higher first among what is due, then first come", async () => {
    const queue = new QueueStory(story);
    await queue.put("low", { priority: -1 });
    await queue.put("usual 1");
    await queue.put("high", { priority: 7 });
    await queue.put("usual 2");
    const page = await queue.page({ pageSize: 4 });
    const texts = await Promise.all(page.map(textOf));
    expect(texts).toEqual(["high", "usual 1", "usual 2", "low"]);
  });

  test("a group is delivered one at a time, also after a lapsed lease", async () => {
    const queue = new QueueStory(story);
    for (const text of ["a1", "a2", "a3"]) await queue.put(text, { group: "a" });
    await queue.put("b1", { group: "b" });
    const first = await queue.page({ pageSize: 10, visibilityTimeoutSeconds: 3 });
    expect((await Promise.all(first.map(textOf))).sort()).toEqual(["a1", "b1"]);
    await queue.expectEmpty();
    // Left alone: a1 comes again before a2.
    const again = await queue.page({ waitSeconds: 10 });
    const texts = [await textOf(await only(again))];
    if (texts[0] === "b1") texts[0] = await textOf(await queue.take());
    expect(texts[0]).toBe("a1");
  });

  test("a delayed nack holds up its group, an ack lets the next one go", async () => {
    const queue = new QueueStory(story);
    for (const text of ["1", "2"]) await queue.put(text, { group: "g" });
    const first = await queue.take();
    await queue.queues.nack({ ...identityOf(first), delaySeconds: 1 });
    await queue.expectEmpty();
    const again = await queue.take();
    expect(await textOf(again)).toBe("1");
    await queue.ack(again);
    expect(await textOf(await queue.take())).toBe("2");
  });

  test("a dead letter lets its group go on, and comes back at its end", async () => {
    const queue = new QueueStory(story);
    for (const text of ["1", "2", "3"]) await queue.put(text, { group: "g", maxAttempts: 1 });
    await queue.queues.nack(identityOf(await queue.take()));
    expect(await textOf(await queue.take({ visibilityTimeoutSeconds: 1 }))).toBe("2");
    await queue.queues.redrive({ queue: queue.queue, all: true });
    const order: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      const delivery = await queue.take();
      order.push(await textOf(delivery));
      await queue.ack(delivery);
    }
    expect(order).toEqual(["2", "3", "1"]);
  });

  test("many producers of one group: every message, one at a time", async () => {
    const queue = new QueueStory(story);
    const texts = Array.from({ length: 12 }, (_, at) => String(at));
    await Promise.all(texts.map((text) => queue.put(text, { group: "g" })));
    const seen: string[] = [];
    for (const _ of texts) {
      const delivery = await queue.take();
      await queue.expectEmpty();
      seen.push(await textOf(delivery));
      await queue.ack(delivery);
    }
    expect(seen.sort()).toEqual([...texts].sort());
  });

  test("a dedupe key stands for one message within its window", async () => {
    const queue = new QueueStory(story);
    const key = { dedupeKey: "order/17", dedupeWindowSeconds: 2 };
    const first = await queue.put("once", key);
    const second = await queue.put("twice", key);
    expect(second).toEqual({ ...first, duplicate: true });
    const other = await queue.put("other", { dedupeKey: "order/18" });
    expect(other.duplicate).toBe(false);
    const delivery = await queue.take();
    expect(await textOf(delivery)).toBe("once");
    await queue.ack(delivery);
    // Acknowledged or not: the key is remembered.
    expect((await queue.put("again", key)).duplicate).toBe(true);
    await sleep(2100);
    expect((await queue.put("a new window", key)).duplicate).toBe(false);
  });

  test("of racing producers with one key one makes the message", async () => {
    const queue = new QueueStory(story);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        queue.put(String(at), { dedupeKey: "k", group: at % 2 === 0 ? "g" : undefined }),
      ),
    );
    expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.messageId)).size).toBe(1);
    await queue.ack(await queue.take());
    await queue.expectEmpty();
  });
}

async function only(page: readonly Delivery[]): Promise<Delivery> {
  const [delivery] = page;
  if (delivery === undefined) throw new Error("a page was empty");
  return delivery;
}
