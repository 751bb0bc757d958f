/** Messages in hand (client-sdk.md 10.2 and cases 60 to 66). */
import { describe, expect, test } from "vitest";
import {
  apiErrorOf,
  failure,
  LockdConfigError,
  LockdTransportError,
  MessageSettledError,
  SessionClosedError,
  StateNotFoundError,
} from "../../../src/api/errors.ts";
import type { QueueMessage } from "../../../src/client/queue/queue-types.ts";
import { failureOf } from "../http-fixture.ts";
import { all, peek, type QueueFixture, queueFixture } from "./queue-fixture.ts";

const now = { owner: "w", waitMs: "none" } as const;

async function inHand(fixture: QueueFixture, options: object = {}): Promise<QueueMessage> {
  await fixture.client.enqueue("q", "hello");
  const message = await fixture.client.dequeue("q", { ...now, ...options });
  if (message === null) throw new Error("no message");
  return message;
}

function lost(): LockdTransportError {
  return new LockdTransportError("transport", "cut", { outcomeUnknown: true });
}

describe("enqueue", () => {
  test("60: a stream of unknown length and nothing at all", async () => {
    const { client } = queueFixture();
    const stream = (async function* () {
      yield Buffer.from("ab");
      yield Buffer.from("c");
    })();
    expect(await client.enqueue("q", stream)).toMatchObject({ payloadBytes: 3, duplicate: false });
    expect(await client.enqueue("q", null)).toMatchObject({ payloadBytes: 0, attempts: 0 });
  });

  test("durations are rounded up, and our producers bound deliveries", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "x", {
      delayMs: 1,
      visibilityMs: 1_500,
      ttlMs: 2_001,
      dedupeKey: "k",
      dedupeWindowMs: 10,
      contentType: "text/plain",
    });
    await fixture.client.enqueue("q", "x", { maxDeliveries: 0 });
    const [first, second] = fixture.requests("enqueue");
    expect(first).toMatchObject({
      namespace: "default",
      delaySeconds: 1,
      visibilityTimeoutSeconds: 2,
      ttlSeconds: 3,
      maxDeliveries: 100,
      dedupeKey: "k",
      dedupeWindowSeconds: 1,
      payloadContentType: "text/plain",
    });
    expect(second).toMatchObject({ maxDeliveries: undefined, dedupeKey: undefined });
    const negative = fixture.client.enqueue("q", "x", { delayMs: -1 });
    expect(await failureOf(negative)).toBeInstanceOf(LockdConfigError);
  });
});

describe("dequeue", () => {
  test("61: nothing there is null, or an empty page", async () => {
    const { client } = queueFixture();
    expect(await client.dequeue("q", now)).toBeNull();
    expect(await client.dequeueWithState("q", now)).toBeNull();
    expect(await client.dequeueBatch("q", now)).toEqual([]);
    const nobody = client.dequeue("q", { owner: " " });
    expect(await failureOf(nobody)).toMatchObject({ code: "missing_owner" });
  });

  test("every member", async () => {
    const { client, clock } = queueFixture();
    await client.enqueue("q", "hello", {
      attributes: { a: 1 },
      contentType: "text/plain",
      correlationId: "mine",
    });
    const message = await client.dequeue("q", { ...now, visibilityMs: 10_000 });
    const end = new Date((Math.floor(clock.wallMs() / 1_000) + 10) * 1_000);
    expect(message).toMatchObject({
      namespace: "default",
      queue: "q",
      attempts: 1,
      maxAttempts: 5,
      failureAttempts: 0,
      visibilityMs: 10_000,
      notVisibleUntil: end,
      leaseExpiresAt: end,
      attributes: { a: 1 },
      contentType: "text/plain",
      payloadBytes: 5,
      fencingToken: 1,
      correlationId: "mine",
      settled: false,
    });
    expect(message?.state).toBeUndefined();
    expect(await message?.payload.text()).toBe("hello");
  });

  test("a page", async () => {
    const { client } = queueFixture();
    for (const text of ["a", "b", "c"]) await client.enqueue("q", text);
    const page = await client.dequeueBatch("q", { ...now, pageSize: 2 });
    expect(await Promise.all(page.map(({ payload }) => payload.text()))).toEqual(["a", "b"]);
  });
});

describe("settling", () => {
  test("63: ack twice is one request, another way of settling is refused", async () => {
    const fixture = queueFixture();
    const message = await inHand(fixture);
    await Promise.all([message.ack(), message.ack()]);
    await message.ack();
    expect(fixture.requests("ack")).toHaveLength(1);
    for (const other of [message.nack(), message.defer(), message.extend()]) {
      expect(await failureOf(other)).toBeInstanceOf(MessageSettledError);
    }
    expect(fixture.verbs()).toBe("enqueue dequeue ack");
    expect(message.settled).toBe(true);
  });

  test("62: closing unsettled is a nack after its delay; deferring does not count", async () => {
    const fixture = queueFixture();
    {
      await using message = await inHand(fixture, { onCloseDelayMs: 2_000 });
      expect(message.settled).toBe(false);
    }
    expect(await peek(fixture.client, "q")).toBeNull();
    await fixture.clock.advance(2_000);
    expect(await peek(fixture.client, "q")).toMatchObject({ attempts: 2, failureAttempts: 1 });
    // The look itself was a deferred delivery.
    expect(await peek(fixture.client, "q")).toMatchObject({ attempts: 3, failureAttempts: 1 });
  });

  test("the error of a nack and the delays arrive", async () => {
    const fixture = queueFixture();
    await (await inHand(fixture)).nack({ delayMs: 1_001, error: { why: "x" } });
    expect(fixture.requests("nack")).toMatchObject([{ delaySeconds: 2, lastError: { why: "x" } }]);
  });

  test("64: what settles after an extension carries the newest tag", async () => {
    const fixture = queueFixture();
    const message = await inHand(fixture);
    const before = message.metaEtag;
    const end = await message.extend({ byMs: 60_000 });
    expect(end.getTime()).toBe((Math.floor(fixture.clock.wallMs() / 1_000) + 60) * 1_000);
    expect(message.visibilityMs).toBe(60_000);
    expect(message.metaEtag).not.toBe(before);
    await message.nack();
    expect(fixture.requests("nack")[0]?.metaEtag).toBe(message.metaEtag);
  });

  test("calls on one message run one after the other", async () => {
    const fixture = queueFixture();
    const message = await inHand(fixture);
    await Promise.all([message.extend(), message.extend(), message.ack()]);
    expect(fixture.verbs()).toBe("enqueue dequeue extend extend ack");
  });

  test("a failed settling leaves it unsettled; an ack of lost answer is found done", async () => {
    const fixture = queueFixture();
    const message = await inHand(fixture);
    fixture.fail("nack", failure("store_unavailable", "later"));
    expect(await failureOf(message.nack())).toMatchObject({ code: "store_unavailable" });
    expect(message.settled).toBe(false);
    fixture.lose("ack", lost());
    expect(await failureOf(message.ack())).toBeInstanceOf(LockdTransportError);
    await message.ack();
    expect(message.settled).toBe(true);
    const other = await inHand(fixture);
    fixture.fail("ack", failure("not_found", "gone"));
    expect(await failureOf(other.ack())).toMatchObject({ code: "not_found" });
    fixture.fail("ack", apiErrorOf("not_found", "gone", { status: 404, outcomeUnknown: true }));
    await other.ack();
  });

  test("closing what is not ours any more is fine, other trouble is told", async () => {
    const fixture = queueFixture();
    const message = await inHand(fixture);
    await fixture.clock.advance(31_000);
    await message.close();
    await message.close();
    const other = await inHand(fixture);
    fixture.fail("nack", failure("store_unavailable", "later"));
    expect(await failureOf(other.close())).toMatchObject({ code: "store_unavailable" });
  });

  test("the message's correlation id goes with every call", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "x", { correlationId: "mine" });
    const message = await fixture.client.dequeue("q", now);
    await message?.extend();
    await message?.nack();
    const ids = fixture.calls.filter(({ verb }) => verb === "extend" || verb === "nack");
    expect(ids.map(({ correlationId }) => correlationId)).toEqual(["mine", "mine"]);
  });

  test("by ids alone", async () => {
    const fixture = queueFixture();
    const { client } = fixture;
    const ids = async () => {
      const { queue, messageId, leaseId, fencingToken, metaEtag } = await inHand(fixture);
      return { queue, messageId, leaseId, fencingToken, metaEtag };
    };
    await client.queues.ack(await ids());
    const held = await ids();
    const extended = await client.queues.extend(held, { byMs: 5_000 });
    expect(extended.visibilityMs).toBe(5_000);
    const { metaEtag } = await client.queues.nack(
      { ...held, metaEtag: extended.metaEtag },
      { intent: "defer" },
    );
    expect(metaEtag).not.toBe(extended.metaEtag);
    expect(await peek(client, "q")).toMatchObject({ attempts: 2, failureAttempts: 0 });
  });
});

describe("state", () => {
  async function stateful({ client }: QueueFixture) {
    const message = await client.dequeueWithState("q", now);
    if (message === null) throw new Error("no message");
    return message;
  }

  test("65: what is saved is there for the next delivery, and gone with the ack", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "x");
    const first = await stateful(fixture);
    expect(first.state.key).toBe(`q/q/state/${first.messageId}`);
    expect(await failureOf(first.state.load())).toBeInstanceOf(StateNotFoundError);
    await first.state.save({ step: 1 });
    await first.state.save({ step: 2 });
    expect(await first.state.load()).toEqual({ step: 2 });
    await first.nack();
    expect(await failureOf(first.state.load())).toBeInstanceOf(SessionClosedError);
    const second = await stateful(fixture);
    expect(await second.state.load()).toEqual({ step: 2 });
    expect(second.state.fencingToken).toBeGreaterThan(first.state.fencingToken);
    await second.ack();
    expect(await fixture.client.dequeue("q", now)).toBeNull();
    expect(await fixture.client.getBytes(second.state.key)).toBeNull();
  });
});

describe("queues and dead letters", () => {
  test("list, look, put back, delete", async () => {
    const fixture = queueFixture();
    const { client } = fixture;
    const { messageId } = await client.enqueue("q", "bad", { maxAttempts: 1 });
    const message = await client.dequeue("q", now);
    await message?.nack({ error: { why: "broken" } });
    expect(await client.dequeue("q", now)).toBeNull();
    await client.enqueue("q", "good");
    const queues = await all(client.queues.list());
    expect(queues).toMatchObject([{ queue: "q", ready: 1, dead: 1, inFlight: 0 }]);
    const [letter] = await all(client.queues.deadLetters("q"));
    expect(letter).toMatchObject({ messageId, attempts: 1, failureAttempts: 1 });
    expect(letter?.lastError).toMatchObject({ previous: { why: "broken" } });
    const shown = await client.queues.deadLetter("q", messageId);
    expect(await shown.payload.text()).toBe("bad");
    expect(await client.queues.redrive("q", { messageId })).toBe(1);
    const gone = client.queues.deadLetter("q", messageId);
    expect(await failureOf(gone)).toMatchObject({ code: "message_not_found" });
    expect(await client.queues.purge("q", { all: true })).toBe(0);
  });

  test("a damaged letter hides no other, and is told at the end", async () => {
    const { client, damage } = queueFixture();
    const dead = async (text: string): Promise<string> => {
      const { messageId } = await client.enqueue("q", text, { maxAttempts: 1 });
      await (await client.dequeue("q", now))?.nack({ error: "no" });
      return messageId;
    };
    const bad = await dead("bad");
    const good = await dead("good");
    damage(`x/default/q/${bad}`);
    const seen: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const { messageId } of client.queues.deadLetters("q")) seen.push(messageId);
    };
    const told = { code: "store_corrupt", detail: expect.stringContaining(bad) };
    expect(await failureOf(reading())).toMatchObject(told);
    expect(seen).toEqual([good]);
    expect(await failureOf(client.queues.redrive("q", { all: true }))).toMatchObject(told);
    expect((await client.dequeue("q", now))?.messageId).toBe(good);
  });

  test("stats and watch", async () => {
    const fixture = queueFixture();
    const { client } = fixture;
    expect(await client.queueStats("q")).toMatchObject({ available: false });
    const seen: boolean[] = [];
    const abort = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const event of client.watch("q", { signal: abort.signal })) {
        seen.push(event.available);
        if (seen.length === 2) abort.abort(new Error("enough"));
      }
    };
    const watching = failureOf(reading());
    await expect.poll(() => seen).toEqual([false]);
    await client.enqueue("q", "x");
    await expect
      .poll(async () => {
        await fixture.clock.advance(100);
        return seen;
      })
      .toEqual([false, true]);
    expect(await watching).toMatchObject({ message: "enough" });
    const stats = await client.queueStats("q");
    expect(stats.headEnqueuedAt).toBeInstanceOf(Date);
  });
});
