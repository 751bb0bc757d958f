/** Subscriptions of the SDK (client-sdk.md 10.3, cases 66 to 70). */
import { describe, expect, test } from "vitest";
import { failure } from "../../../src/api/errors.ts";
import { failureOf } from "../http-fixture.ts";
import { all, peek, queueFixture } from "./queue-fixture.ts";

const options = { owner: "w" };

describe("iterables", () => {
  test("messages as they come; leaving ends it", async () => {
    const { client } = queueFixture();
    const seen: string[] = [];
    await client.enqueue("q", "a");
    for await (const message of client.subscribe("q", options)) {
      seen.push(await message.payload.text());
      await message.ack();
      if (seen.length === 1) await client.enqueue("q", "b");
      else break;
    }
    expect(seen).toEqual(["a", "b"]);
    expect((await client.queueStats("q")).waitingConsumers).toBe(0);
  });

  test("68: waiting and conflicts are asked again, other refusals are told", async () => {
    const fixture = queueFixture();
    const { client, clock } = fixture;
    fixture.fail("subscribe", failure("waiting", "nothing"), 2);
    fixture.fail("subscribe", failure("cas_mismatch", "race"));
    fixture.fail("subscribe", failure("invalid_queue", "bad"));
    let over = false;
    const reading = failureOf(all(client.subscribe("q", options))).finally(() => {
      over = true;
    });
    for (let step = 0; step < 50 && !over; step += 1) await clock.advance(1);
    expect(await reading).toMatchObject({ code: "invalid_queue" });
    expect(fixture.requests("subscribe")).toHaveLength(4);
  });

  test("one that does not wait asks with a pause", async () => {
    const fixture = queueFixture();
    const { client, clock } = fixture;
    const abort = new AbortController();
    const { signal } = abort;
    const reading = all(client.subscribe("q", { ...options, waitMs: 0, signal }));
    await clock.advance(10);
    expect(fixture.requests("subscribe")).toHaveLength(1);
    await clock.advance(100);
    expect(fixture.requests("subscribe").length).toBeLessThanOrEqual(3);
    abort.abort(new Error("enough"));
    expect(await failureOf(reading)).toMatchObject({ message: "enough" });
  });
});

describe("handlers", () => {
  test("70: one at a time, in order, whatever is prefetched", async () => {
    const { client } = queueFixture();
    const texts = ["a", "b", "c", "d"];
    for (const text of texts) await client.enqueue("q", text);
    const seen: string[] = [];
    let running = 0;
    const abort = new AbortController();
    const { signal } = abort;
    const done = client.subscribe("q", { ...options, prefetch: 10, signal }, async (message) => {
      running += 1;
      expect(running).toBe(1);
      seen.push(await message.payload.text());
      await new Promise((resolve) => setImmediate(resolve));
      await message.ack();
      running -= 1;
      if (seen.length === texts.length) abort.abort(new Error("enough"));
    });
    expect(await failureOf(done)).toMatchObject({ message: "enough" });
    expect(seen).toEqual(texts);
  });

  test("66: a handler longer than the lease keeps its message", async () => {
    const fixture = queueFixture();
    const { client, clock } = fixture;
    await client.enqueue("q", "long");
    let runs = 0;
    const abort = new AbortController();
    const { signal } = abort;
    const terms = { ...options, visibilityMs: 10_000, signal };
    const done = client.subscribe("q", terms, async (message) => {
      runs += 1;
      for (let second = 0; second < 35; second += 1) await clock.advance(1_000);
      await message.ack();
      abort.abort(new Error("enough"));
    });
    await failureOf(done);
    expect(runs).toBe(1);
    expect(fixture.requests("extend").length).toBeGreaterThanOrEqual(6);
    expect(fixture.requests("extend")[0]).toMatchObject({ extendBySeconds: 10 });
    expect(await client.dequeue("q", { owner: "w", waitMs: "none" })).toBeNull();
  });

  test("67: a failed extension aborts the handler and then ends the subscription", async () => {
    const fixture = queueFixture();
    const { client, clock } = fixture;
    await client.enqueue("q", "x");
    const gone = failure("queue_message_lease_mismatch", "mismatch");
    fixture.fail("extend", gone);
    let reason: unknown;
    const done = client.subscribe("q", options, async (_message, signal) => {
      await clock.advance(16_000);
      reason = signal.reason;
    });
    expect(await failureOf(done)).toBe(gone);
    expect(reason).toBe(gone);
  });

  test("a handler's failure gives the message back and is the end", async () => {
    const { client } = queueFixture();
    await client.enqueue("q", "x");
    const mine = new Error("mine");
    const done = client.subscribe("q", options, async () => {
      throw mine;
    });
    expect(await failureOf(done)).toBe(mine);
    expect(await peek(client, "q")).toMatchObject({ attempts: 2, failureAttempts: 1 });
  });

  test("what a handler leaves unsettled is nacked, and the next one comes", async () => {
    const { client } = queueFixture();
    await client.enqueue("q", "a", { maxAttempts: 1 });
    await client.enqueue("q", "b", { maxAttempts: 1 });
    const seen: string[] = [];
    const abort = new AbortController();
    const terms = { ...options, signal: abort.signal };
    const done = client.subscribe("q", terms, async (message) => {
      seen.push(await message.payload.text());
      if (seen.length === 2) abort.abort(new Error("enough"));
    });
    await failureOf(done);
    expect(seen).toEqual(["a", "b"]);
    const dead = await all(client.queues.deadLetters("q"));
    expect(dead.length).toBeGreaterThanOrEqual(1);
  });
});
