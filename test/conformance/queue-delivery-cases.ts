/** Enqueue, dequeue and what can be seen of a queue (cases 5 to 28, 42 and 43). */

import { setTimeout as sleep } from "node:timers/promises";
import { LockdConfigError } from "../../src/api/errors.ts";
import { expect, freshKey, type Story, test } from "./lockd-suite.ts";
import { becomes, freshQueue, identityOf, QueueStory, textOf } from "./queue-story.ts";

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function enqueueCases(story: Story): void {
  test("1: a message gets an id, its budget and its size", async () => {
    const queue = new QueueStory(story);
    const answer = await queue.put("payload");
    expect(answer).toMatchObject({
      namespace: "default",
      queue: queue.queue,
      attempts: 0,
      maxAttempts: 5,
      failureAttempts: 0,
      payloadBytes: 7,
      visibilityTimeoutSeconds: 30,
      duplicate: false,
    });
    expect(answer.messageId).toMatch(uuid7);
    expect(answer.correlationId).not.toBe("");
  });

  test("5, 6, 8: names are normalised once, or refused", async () => {
    const queue = new QueueStory(story);
    await expect(queue.put("", { queue: " " })).rejects.toMatchObject({ code: "missing_queue" });
    for (const name of ["a/b", "..", ".", "q".repeat(129), "späti"]) {
      const refused = queue.put("", { queue: name });
      await expect(refused).rejects.toMatchObject({ code: "invalid_queue" });
    }
    const reserved = queue.put("", { namespace: ".x" });
    await expect(reserved).rejects.toMatchObject({ code: "invalid_namespace" });
    const answer = await queue.put("x", { queue: ` ${queue.queue.toUpperCase()} ` });
    expect(answer.queue).toBe(queue.queue);
    expect((await queue.take()).queue).toBe(queue.queue);
    const longest = `l${freshQueue().repeat(20)}`.slice(0, 128);
    await queue.put("long", { queue: longest });
    expect(await textOf(await queue.take({ queue: longest }))).toBe("long");
  });

  test("7: an empty payload is one", async () => {
    const queue = new QueueStory(story);
    await queue.put("");
    const delivery = await queue.take();
    expect(delivery.payloadBytes).toBe(0);
    expect(await textOf(delivery)).toBe("");
  });

  test("9, 60: the message keeps the correlation id of its enqueue", async () => {
    const queue = new QueueStory(story);
    const call = { correlationId: "abc" };
    const request = { queue: queue.queue };
    const answer = await queue.queues.enqueue(request, Buffer.from("x"), call);
    expect(answer.correlationId).toBe("abc");
    const delivery = await queue.take();
    expect(delivery.correlationId).toBe("abc");
    const other = { correlationId: "other" };
    const extended = await queue.queues.extend(identityOf(delivery), other);
    expect(extended.correlationId).toBe("abc");
    const identity = { ...identityOf(delivery), metaEtag: extended.metaEtag };
    expect((await queue.queues.nack(identity, other)).correlationId).toBe("abc");
    const tooLong = { correlationId: "x".repeat(129) };
    const generated = await queue.queues
      .enqueue(request, Buffer.from("x"), tooLong)
      .catch((error: unknown) => error);
    // A client refuses it before it is sent; an engine takes one of its own (http-queue.md 1.5).
    if (generated instanceof LockdConfigError) return;
    expect(generated).toMatchObject({ correlationId: expect.stringMatching(uuid7) });
  });

  test("10: ids rise in the order of the enqueues", async () => {
    const queue = new QueueStory(story);
    const ids: string[] = [];
    for (let at = 0; at < 20; at += 1) ids.push((await queue.put(String(at))).messageId);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(20);
  });

  test("a large payload streams in and out, and is gone with its message", async () => {
    const queue = new QueueStory(story);
    const bytes = Buffer.alloc(3_000_000, "large payload ");
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    }
    const answer = await queue.queues.enqueue({ queue: queue.queue }, chunks());
    expect(answer.payloadBytes).toBe(bytes.length);
    const delivery = await queue.take();
    expect((await textOf(delivery)) === bytes.toString()).toBe(true);
    await queue.ack(delivery);
    await queue.expectEmpty();
  });

  test("a payload that breaks off makes no message", async () => {
    const queue = new QueueStory(story);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(20_000);
      throw new Error("connection lost");
    }
    await expect(queue.queues.enqueue({ queue: queue.queue }, broken())).rejects.toThrow();
    await queue.expectEmpty();
  });

  test("attributes, content type and bounds of options", async () => {
    const queue = new QueueStory(story);
    const attributes = { kind: "mail", tries: 3, deep: { list: [1, null, "ü"] } };
    await queue.put("x", { attributes, payloadContentType: "text/plain; charset=utf-8" });
    const delivery = await queue.take();
    expect(delivery.attributes).toEqual(attributes);
    expect(delivery.payloadContentType).toBe("text/plain; charset=utf-8");
    const wrong = [
      { request: { payloadContentType: "a\nb" }, code: "invalid_body" },
      { request: { attributes: { big: "x".repeat(3000) } }, code: "invalid_body" },
      { request: { priority: 101 }, code: "invalid_queue_option" },
      // On the wire a fraction is no integer to begin with.
      { request: { priority: 0.5 }, code: expect.stringMatching(/^invalid_(queue_option|body)$/) },
      { request: { group: "g".repeat(129) }, code: "invalid_queue_option" },
      { request: { dedupeKey: "k".repeat(257) }, code: "invalid_queue_option" },
      { request: { dedupeKey: "k", dedupeWindowSeconds: 999_999 }, code: "invalid_queue_option" },
      { request: { txnId: "nope" }, code: "invalid_txn" },
    ];
    for (const { request, code } of wrong) {
      await expect(queue.put("", request)).rejects.toMatchObject({ code });
    }
    await queue.put("y", { delaySeconds: -5, ttlSeconds: -1, maxAttempts: 0, attributes: {} });
    expect(await queue.take()).toMatchObject({ maxAttempts: 5, attributes: {} });
  });
}

export function dequeueCases(story: Story): void {
  test("13, 14: an empty queue says waiting, at once or after the wait", async () => {
    const queue = new QueueStory(story);
    const atOnce = await queue.page().catch((error: unknown) => error);
    expect(atOnce).toMatchObject({ code: "waiting" });
    expect((atOnce as { retryAfterMs?: number }).retryAfterMs ?? 0).toBe(0);
    const from = performance.now();
    const waited = queue.page({ waitSeconds: 2 });
    await expect(waited).rejects.toMatchObject({ code: "waiting", retryAfterMs: 2000 });
    expect(performance.now() - from).toBeGreaterThan(1900);
  });

  test("15: an enqueue wakes a waiting consumer", async () => {
    const queue = new QueueStory(story);
    const waiting = queue.take();
    await sleep(100);
    const { messageId } = await queue.put("x");
    expect((await waiting).messageId).toBe(messageId);
  });

  test("16: who went away while waiting gets nothing", async () => {
    const queue = new QueueStory(story);
    const leaving = new AbortController();
    const request = { queue: queue.queue, owner: "gone", waitSeconds: 0 };
    const waiting = queue.queues.dequeue(request, { signal: leaving.signal });
    await sleep(100);
    leaving.abort(new Error("went away"));
    await expect(waiting).rejects.toThrow("went away");
    await sleep(50);
    await queue.put("x");
    expect((await queue.take()).attempts).toBe(1);
  });

  test("17: a delivery says all there is to say", async () => {
    const queue = new QueueStory(story);
    const { messageId } = await queue.put("x");
    const delivery = await queue.take();
    expect(delivery).toMatchObject({ messageId, attempts: 1, fencingToken: 1, maxAttempts: 5 });
    expect(delivery).toMatchObject({ failureAttempts: 0, payloadBytes: 1, state: undefined });
    expect(delivery.notVisibleUntilUnix).toBe(delivery.leaseExpiresAtUnix);
    expect(delivery.leaseId).toMatch(/^[0-9a-v]{20}$/);
    expect(delivery.txnId).toMatch(/^[0-9a-v]{20}$/);
    expect(delivery.metaEtag).not.toBe("");
  });

  test("18, 19: a page is in the order of the enqueues, and has at most 64", async () => {
    const queue = new QueueStory(story);
    for (const text of ["a", "b", "c"]) await queue.put(text);
    const two = await queue.page({ pageSize: 2 });
    expect(await Promise.all(two.map(textOf))).toEqual(["a", "b"]);
    await Promise.all(Array.from({ length: 70 }, () => queue.put("more")));
    expect(await queue.page({ pageSize: 100 })).toHaveLength(64);
  });

  test("20: who asks for a visibility gets it, then the message's, then the server's", async () => {
    const queue = new QueueStory(story);
    const lengthOf = async (own: number, asked: number): Promise<number> => {
      await queue.put("x", { visibilityTimeoutSeconds: own });
      const request = { visibilityTimeoutSeconds: asked };
      return (await queue.take(request)).visibilityTimeoutSeconds;
    };
    expect(await lengthOf(60, 7)).toBe(7);
    expect(await lengthOf(60, 0)).toBe(60);
    expect(await lengthOf(0, 0)).toBe(30);
    expect(await lengthOf(0, 99_999)).toBe(1800);
  });

  test("21, 22: bad requests name their mistake, also on an empty queue", async () => {
    const queue = new QueueStory(story);
    const nobody = queue.page({ owner: " " });
    await expect(nobody).rejects.toMatchObject({ code: "missing_owner" });
    const badTxn = queue.page({ txnId: "nope", waitSeconds: 0 });
    await expect(badTxn).rejects.toMatchObject({ code: "invalid_txn" });
    const nowhere = queue.page({ queue: "" });
    await expect(nowhere).rejects.toMatchObject({ code: "missing_queue" });
  });

  test("23: of five consumers one gets the message", async () => {
    const queue = new QueueStory(story);
    const consumers = Array.from({ length: 5 }, () => queue.page({ waitSeconds: 1 }));
    await sleep(50);
    await queue.put("x");
    const ended = await Promise.allSettled(consumers);
    expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("24: a delay is kept, and ends for a consumer that waits", async () => {
    const queue = new QueueStory(story);
    const from = Date.now();
    await queue.put("x", { delaySeconds: 2 });
    await queue.expectEmpty();
    await queue.take();
    expect(Date.now() - from).toBeGreaterThanOrEqual(1980);
  });

  test("25: a lease that lapses brings the message back under a new one", async () => {
    const queue = new QueueStory(story);
    await queue.put("x", { visibilityTimeoutSeconds: 3 });
    const first = await queue.take();
    await queue.expectEmpty();
    const second = await queue.take();
    expect(second).toMatchObject({ attempts: 2, fencingToken: 2, failureAttempts: 0 });
    expect(second.leaseId).not.toBe(first.leaseId);
    expect(second.metaEtag).not.toBe(first.metaEtag);
  });

  test("26: start_after has no effect", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    expect(await textOf(await queue.take({ startAfter: "zzz" }))).toBe("x");
  });

  test("waiting consumers are served in the order in which they came", async () => {
    const queue = new QueueStory(story);
    const served: number[] = [];
    const consumers: Promise<unknown>[] = [];
    for (const n of [1, 2, 3]) {
      consumers.push(queue.take().then(() => served.push(n)));
      await sleep(60);
    }
    for (let at = 0; at < 3; at += 1) {
      await queue.put(String(at));
      await becomes(() => served.length, at + 1);
    }
    await Promise.all(consumers);
    expect(served).toEqual([1, 2, 3]);
  });

  test("queues of two namespaces have nothing to do with each other", async () => {
    const queue = new QueueStory(story);
    await queue.put("there", { namespace: "elsewhere" });
    await queue.expectEmpty();
    expect(await textOf(await queue.take({ namespace: "Elsewhere" }))).toBe("there");
  });
}

export function observerCases(story: Story): void {
  test("42, 43: statistics see the head, count who waits, and change nothing", async () => {
    const queue = new QueueStory(story);
    const address = { queue: queue.queue };
    const nothing = await queue.queues.stats(address);
    expect(nothing).toMatchObject({ available: false, headMessageId: undefined });
    const waiting = queue.take();
    await becomes(async () => (await queue.queues.stats(address)).waitingConsumers, 1);
    expect((await queue.queues.stats(address)).totalConsumers).toBeGreaterThanOrEqual(1);
    await queue.put("x");
    await queue.ack(await waiting);
    const first = await queue.put("first");
    await queue.put("second");
    for (let at = 0; at < 10; at += 1) {
      const stats = await queue.queues.stats(address);
      expect(stats).toMatchObject({ available: true, headMessageId: first.messageId });
      expect(stats.headEnqueuedAtUnix).toBeGreaterThan(1_600_000_000);
    }
    const delivery = await queue.take();
    expect(delivery).toMatchObject({ messageId: first.messageId, attempts: 1 });
  });

  test("38 to 40: a watch tells the present and every change of the head", async () => {
    const queue = new QueueStory(story);
    const ending = new AbortController();
    const events: { available: boolean; headMessageId: string | undefined }[] = [];
    const call = { signal: ending.signal };
    const watched = await queue.queues.watch({ queue: queue.queue }, call);
    const reading = (async () => {
      for await (const event of watched) events.push(event);
    })();
    await becomes(() => events.length, 1);
    expect(events[0]).toMatchObject({ available: false, headMessageId: undefined });
    const { messageId } = await queue.put("x");
    await becomes(() => events.length, 2);
    expect(events[1]).toMatchObject({ available: true, headMessageId: messageId });
    const delivery = await queue.take();
    await becomes(() => events.length, 3);
    expect(events[2]).toMatchObject({ available: false, headMessageId: undefined });
    await queue.queues.nack({ ...identityOf(delivery), delaySeconds: 1 });
    await becomes(() => events.length, 4);
    expect(events[3]).toMatchObject({ available: true, headMessageId: messageId });
    ending.abort();
    await reading.catch(() => undefined);
    expect(events).toHaveLength(4);
  });

  test("a listing counts what is ready, delayed, in flight and dead", async () => {
    const namespace = freshKey().replace("/", "-");
    const queue = new QueueStory(story);
    const there = { namespace };
    await queue.put("dies", { ...there, maxAttempts: 1 });
    const dying = await queue.take(there);
    await queue.queues.nack(identityOf(dying));
    await queue.put("in flight", there);
    await queue.take(there);
    await queue.put("ready", there);
    await queue.put("later", { ...there, delaySeconds: 60 });
    await queue.put("x", { ...there, queue: `${queue.queue}-b` });
    const all = await queue.queues.list({ namespace });
    const counts = { ready: 1, delayed: 1, inFlight: 1, dead: 1 };
    expect(all.queues).toHaveLength(2);
    expect(all.queues).toContainEqual(
      expect.objectContaining({ namespace, queue: queue.queue, ...counts }),
    );
    const other = { queue: `${queue.queue}-b`, ready: 1, dead: 0, oldestAgeSeconds: 0 };
    expect(all.queues).toContainEqual(expect.objectContaining(other));
    expect(all.cursor).toBeUndefined();
    const only = await queue.queues.list({ namespace, queue: queue.queue });
    expect(only.queues).toEqual(all.queues.filter((one) => one.queue === queue.queue));
    expect(await queue.queues.list({ namespace, queue: "no-such" })).toEqual({ queues: [] });
    const first = await queue.queues.list({ namespace, limit: 1 });
    expect(first.queues).toHaveLength(1);
    const second = await queue.queues.list({ namespace, limit: 5, cursor: first.cursor });
    expect([...first.queues, ...second.queues]).toEqual(all.queues);
  });
}
