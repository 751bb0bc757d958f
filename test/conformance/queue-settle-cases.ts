/** Ack, nack, extend, dead letters and time to live (cases 45 to 66). */
import { setTimeout as sleep } from "node:timers/promises";
import { bytesOf, expect, longAgo, type Story, test } from "./lockd-suite.ts";
import { identityOf, QueueStory, textOf } from "./queue-story.ts";

const mismatch = { code: "queue_message_lease_mismatch" };

export function settleCases(story: Story): void {
  test("45, 46: an ack removes the message, once, with as little as a lease", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const delivery = await queue.take();
    const { txnId: _t, metaEtag: _m, ...little } = identityOf(delivery);
    expect(await queue.queues.ack(little)).toMatchObject({ acked: true });
    await expect(queue.queues.ack(little)).rejects.toMatchObject({ code: "not_found" });
    await queue.expectEmpty();
  });

  test("47, 48: only the holder can settle", async () => {
    const queue = new QueueStory(story);
    const { messageId } = await queue.put("x");
    const invented = { queue: queue.queue, messageId, leaseId: longAgo, fencingToken: 1 };
    const never = queue.queues.ack(invented);
    await expect(never).rejects.toMatchObject(mismatch);
    await expect(never).rejects.toThrow(/missing/);
    const delivery = await queue.take();
    const identity = identityOf(delivery);
    const wrong = [
      { fencingToken: 2 },
      { fencingToken: undefined },
      { leaseId: longAgo },
      { txnId: longAgo },
    ];
    for (const part of wrong) {
      const refused = queue.queues.ack({ ...identity, ...part });
      await expect(refused).rejects.toMatchObject(mismatch);
      await expect(refused).rejects.toThrow(/mismatch/);
    }
    await queue.expectEmpty();
    await queue.ack(delivery);
  });

  test("49, 59: an old meta_etag is good enough for ack, not for nack and extend", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const identity = identityOf(await queue.take());
    await queue.queues.extend(identity);
    const stale = { code: "cas_mismatch" };
    await expect(queue.queues.nack(identity)).rejects.toMatchObject(stale);
    await expect(queue.queues.extend(identity)).rejects.toMatchObject(stale);
    await queue.queues.ack(identity);
  });

  test("50: late calls fail the same way until the redelivery, then another", async () => {
    const queue = new QueueStory(story);
    await queue.put("x", { visibilityTimeoutSeconds: 1 });
    const late = identityOf(await queue.take());
    await sleep(1100);
    for (let at = 0; at < 2; at += 1) {
      await expect(queue.queues.ack(late)).rejects.toMatchObject({ code: "lease_expired" });
    }
    const next = await queue.take({ visibilityTimeoutSeconds: 30 });
    await expect(queue.queues.ack(late)).rejects.toMatchObject(mismatch);
    await expect(queue.queues.nack(late)).rejects.toMatchObject(mismatch);
    await expect(queue.queues.extend(late)).rejects.toMatchObject(mismatch);
    await queue.ack(next);
    await expect(queue.queues.ack(late)).rejects.toMatchObject({ code: "not_found" });
  });

  test("51, 61: what is missing or malformed is named", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const identity = identityOf(await queue.take());
    const noLease = { ...identity, leaseId: undefined };
    const missing = { code: "missing_fields" };
    await expect(queue.queues.ack(noLease)).rejects.toMatchObject(missing);
    const noTag = { ...identity, metaEtag: undefined };
    await expect(queue.queues.nack(noTag)).rejects.toMatchObject(missing);
    await expect(queue.queues.extend(noTag)).rejects.toMatchObject(missing);
    const path = { ...identity, messageId: "../../x" };
    await expect(queue.queues.ack(path)).rejects.toMatchObject({ code: "invalid_queue_key" });
    const foreign = { ...identity, messageId: "never-was" };
    await expect(queue.queues.ack(foreign)).rejects.toMatchObject({ code: "not_found" });
  });

  test("52, 53, 56: failures count, deferrals do not, and a nack is done once", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const first = identityOf(await queue.take());
    const answer = await queue.queues.nack({ ...first, lastError: { message: "no" } });
    expect(answer.requeued).toBe(true);
    expect(answer.metaEtag).not.toBe(first.metaEtag);
    await expect(queue.queues.nack(first)).rejects.toMatchObject(mismatch);
    const second = await queue.take();
    expect(second).toMatchObject({ attempts: 2, failureAttempts: 1 });
    await queue.queues.nack({ ...identityOf(second), intent: " DeFeR " });
    expect(await queue.take()).toMatchObject({ attempts: 3, failureAttempts: 1 });
  });

  test("54: a wrong intent leaves the message leased", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const delivery = await queue.take();
    const identity = identityOf(delivery);
    const later = queue.queues.nack({ ...identity, intent: "later" });
    await expect(later).rejects.toMatchObject({ code: "invalid_nack_intent" });
    const errors = queue.queues.nack({ ...identity, intent: "defer", lastError: "x" });
    await expect(errors).rejects.toMatchObject({ code: "invalid_nack_last_error" });
    await queue.expectEmpty();
    await queue.ack(delivery);
  });

  test("55: a nack may hide the message, which changes no visibility", async () => {
    const queue = new QueueStory(story);
    await queue.put("x");
    const first = await queue.take();
    const from = Date.now();
    await queue.queues.nack({ ...identityOf(first), delaySeconds: 1 });
    await queue.expectEmpty();
    const second = await queue.take();
    expect(Date.now() - from).toBeGreaterThanOrEqual(980);
    expect(second.visibilityTimeoutSeconds).toBe(30);
  });

  test("57, 58: an extension counts from now, by what is asked or by the same again", async () => {
    const queue = new QueueStory(story);
    await queue.put("x", { visibilityTimeoutSeconds: 2 });
    const delivery = await queue.take();
    const now = Date.now() / 1000;
    const same = await queue.queues.extend(identityOf(delivery));
    expect(same.visibilityTimeoutSeconds).toBe(2);
    const identity = { ...identityOf(delivery), metaEtag: same.metaEtag };
    const extended = await queue.queues.extend({ ...identity, extendBySeconds: 10 });
    expect(extended.visibilityTimeoutSeconds).toBe(10);
    expect(Math.abs(extended.leaseExpiresAtUnix - now - 10)).toBeLessThan(3);
    expect(extended.metaEtag).not.toBe(same.metaEtag);
    expect(extended.stateLeaseExpiresAtUnix).toBeUndefined();
    await sleep(2100);
    await queue.expectEmpty();
    await queue.ack(delivery);
  });
}

export function deadLetterCases(story: Story): void {
  test("62, 65: a spent budget ends in the dead letters and holds nobody up", async () => {
    const queue = new QueueStory(story);
    const { messageId } = await queue.put("poison", { maxAttempts: 2 });
    await queue.put("good");
    for (let at = 0; at < 2; at += 1) {
      const delivery = await queue.take();
      expect(delivery.messageId).toBe(messageId);
      // Into another millisecond, so that it goes back behind the other one.
      await sleep(5);
      const answer = await queue.queues.nack({ ...identityOf(delivery), lastError: { at } });
      expect(answer.metaEtag).not.toBe("");
      if (at === 0) await queue.ack(await queue.take());
    }
    await queue.expectEmpty();
    const { letters } = await queue.queues.deadLetters({ queue: queue.queue });
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({ messageId, attempts: 2, failureAttempts: 2 });
    const reason = { reason: "max_attempts_exceeded", previous: { at: 1 } };
    expect(letters[0]?.lastError).toMatchObject(reason);
    const shown = await queue.queues.deadLetter({ queue: queue.queue, messageId });
    expect((await bytesOf(shown.payload)).toString()).toBe("poison");
    const settled = { queue: queue.queue, messageId, leaseId: longAgo, fencingToken: 2 };
    await expect(queue.queues.ack(settled)).rejects.toMatchObject({ code: "not_found" });
  });

  test("63, 64: neither deferrals nor lapsed leases spend the budget", async () => {
    const queue = new QueueStory(story);
    await queue.put("x", { maxAttempts: 1 });
    for (let at = 0; at < 3; at += 1) {
      await queue.queues.nack({ ...identityOf(await queue.take()), intent: "defer" });
    }
    await queue.take({ visibilityTimeoutSeconds: 1 });
    expect(await queue.take()).toMatchObject({ attempts: 5, failureAttempts: 0 });
  });

  test("max deliveries ends a message whose consumers always die", async () => {
    const queue = new QueueStory(story);
    const { messageId } = await queue.put("x", { maxDeliveries: 2, visibilityTimeoutSeconds: 1 });
    await queue.take();
    await queue.take();
    await sleep(1100);
    await queue.expectEmpty();
    await expect
      .poll(async () => (await queue.queues.deadLetters({ queue: queue.queue })).letters)
      .toMatchObject([{ messageId, lastError: { reason: "max_deliveries_exceeded" } }]);
  });

  test("a redriven message starts afresh; a purged one is gone", async () => {
    const queue = new QueueStory(story);
    const payload = "large ".repeat(5_000);
    const { messageId } = await queue.put(payload, { maxAttempts: 1 });
    const first = await queue.take();
    expect(await textOf(first)).toBe(payload);
    await queue.queues.nack(identityOf(first));
    const one = { queue: queue.queue, messageId };
    expect(await queue.queues.redrive(one)).toEqual({ changed: 1, damaged: [], more: false });
    const missing = { code: "message_not_found" };
    await expect(queue.queues.redrive(one)).rejects.toMatchObject(missing);
    const again = await queue.take();
    expect(again).toMatchObject({ messageId, attempts: 1, failureAttempts: 0 });
    expect(again.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(await textOf(again)).toBe(payload);
    await queue.queues.nack(identityOf(again));
    const all = { queue: queue.queue, all: true };
    expect(await queue.queues.purge(all)).toEqual({ changed: 1, damaged: [], more: false });
    expect((await queue.queues.deadLetters({ queue: queue.queue })).letters).toEqual([]);
    await expect(queue.queues.deadLetter(one)).rejects.toMatchObject(missing);
    await queue.expectEmpty();
  });

  test("dead letters come in pages", async () => {
    const queue = new QueueStory(story);
    const ids: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      ids.push((await queue.put("x", { maxAttempts: 1 })).messageId);
      await queue.queues.nack(identityOf(await queue.take()));
    }
    const address = { queue: queue.queue };
    const first = await queue.queues.deadLetters({ ...address, limit: 2 });
    const rest = await queue.queues.deadLetters({ ...address, limit: 2, cursor: first.cursor });
    const listed = [...first.letters, ...rest.letters].map((letter) => letter.messageId);
    expect(listed).toEqual(ids);
    expect(rest.cursor).toBeUndefined();
    const half = await queue.queues.redrive({ ...address, all: true, limit: 2 });
    expect(half).toEqual({ changed: 2, damaged: [], more: true, cursor: ids[1] });
    expect((await queue.queues.list(address)).queues).toMatchObject([{ ...address, dead: 1 }]);
    // One of them dies again, ahead of the one that is left: it is not met a second time.
    await queue.queues.nack(identityOf(await queue.take()));
    expect((await queue.queues.list(address)).queues).toMatchObject([{ ...address, dead: 2 }]);
    const others = { ...address, all: true, limit: 2, cursor: half.cursor };
    expect(await queue.queues.redrive(others)).toEqual({ changed: 1, damaged: [], more: false });
    const { letters } = await queue.queues.deadLetters(address);
    expect(letters).toMatchObject([{ messageId: ids[0] }]);
  });

  test("66: time to live ends a message, except in the hands of a consumer", async () => {
    const unread = new QueueStory(story);
    const acked = new QueueStory(story);
    const nacked = new QueueStory(story);
    for (const queue of [unread, acked, nacked]) await queue.put("x", { ttlSeconds: 2 });
    const toAck = await acked.take();
    const toNack = await nacked.take();
    await sleep(3000);
    await unread.expectEmpty();
    expect((await unread.queues.stats({ queue: unread.queue })).available).toBe(false);
    await acked.ack(toAck);
    await nacked.queues.nack(identityOf(toNack));
    await nacked.expectEmpty();
    expect((await nacked.queues.deadLetters({ queue: nacked.queue })).letters).toEqual([]);
  });
}
