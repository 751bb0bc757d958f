/** The consumer runtime (client-sdk.md 11, http-queue.md 17, cases 71 to 75 and 80 to 82). */
import { describe, expect, test } from "vitest";
import { apiErrorOf, failure, LockdConfigError } from "../../../src/api/errors.ts";
import { startConsumers } from "../../../src/client/queue/consumer-group.ts";
import type { ConsumerConfig, ConsumerFailure } from "../../../src/client/queue/queue-types.ts";
import { restartPauseMs, restartPolicy } from "../../../src/client/queue/restart-pauses.ts";
import { failureOf } from "../http-fixture.ts";
import { peek, type QueueFixture, queueFixture } from "./queue-fixture.ts";

const forbidden = apiErrorOf("namespace_forbidden", "no", { status: 403 });
const broken = apiErrorOf("internal_error", "oops", { status: 500 });

/** Moves time until `done` says so. */
async function until({ clock }: QueueFixture, done: () => boolean, stepMs = 10): Promise<void> {
  for (let step = 0; step < 5_000 && !done(); step += 1) await clock.advance(stepMs);
  expect(done()).toBe(true);
}

describe("handlers", () => {
  test("71: a throw nacks with its error; the same subscription goes on", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "a");
    const errors: ConsumerFailure[] = [];
    let runs = 0;
    await using _group = startConsumers(fixture.client, [
      {
        queue: "q",
        handler: () => {
          runs += 1;
          if (runs === 1) throw new Error("first time");
        },
        onError: (event) => void errors.push(event),
      },
    ]);
    await until(fixture, () => runs === 2 && fixture.requests("ack").length === 1);
    expect(fixture.requests("nack")).toMatchObject([{ lastError: { message: "first time" } }]);
    expect(fixture.requests("subscribe")).toHaveLength(1);
    expect(errors).toMatchObject([{ name: "q", queue: "q", attempt: 0, restartInMs: 0 }]);
  });

  test("80: a handler of three lease times keeps its message; newest tag", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "a");
    let runs = 0;
    await using _group = startConsumers(fixture.client, [
      {
        queue: "q",
        subscribe: { visibilityMs: 10_000 },
        handler: async () => {
          runs += 1;
          await new Promise<void>((resolve) => fixture.clock.schedule(32_000, resolve));
        },
      },
    ]);
    await until(fixture, () => fixture.requests("ack").length === 1, 500);
    expect(runs).toBe(1);
    const extended = fixture.requests("extend");
    expect(extended.length).toBeGreaterThanOrEqual(5);
    const verbs = fixture.verbs().split(" ");
    expect(verbs.lastIndexOf("extend")).toBeLessThan(verbs.indexOf("ack"));
    // Each call carries the tag that the one before it answered, the ack no older one than these.
    const tags = [...extended, ...fixture.requests("ack")].map(({ metaEtag }) => metaEtag);
    expect(new Set(tags).size).toBe(tags.length);
    expect(await peek(fixture.client, "q")).toBeNull();
  });

  test("a lost lease fails the delivery; the stream goes on", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "a");
    const gone = failure("queue_message_lease_mismatch", "mismatch");
    fixture.fail("extend", gone);
    const errors: unknown[] = [];
    let reason: unknown;
    await using _group = startConsumers(fixture.client, [
      {
        queue: "q",
        handler: async ({ signal }) => {
          if (reason !== undefined) return;
          await new Promise<void>((resolve) => fixture.clock.schedule(16_000, resolve));
          reason = signal.reason;
        },
        onError: ({ error }) => void errors.push(error),
      },
    ]);
    await until(fixture, () => fixture.requests("ack").length === 1, 500);
    expect(reason).toBe(gone);
    expect(errors).toEqual([gone]);
    expect(fixture.requests("subscribe")).toHaveLength(1);
  });

  test("what the handler settled stays; manual ones that settle nothing are nacked", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("own", "a");
    await fixture.client.enqueue("manual", "a");
    let left = 0;
    await using _group = startConsumers(fixture.client, [
      { queue: "own", handler: ({ message }) => message.defer({ delayMs: 3_600_000 }) },
      {
        queue: "manual",
        settle: "manual",
        handler: async ({ message }) => {
          left += 1;
          if (left === 2) await message.ack();
        },
      },
    ]);
    await until(fixture, () => left === 2 && fixture.requests("nack").length === 2);
    const intents = fixture.requests("nack").map(({ queue, intent }) => [queue, intent]);
    expect(new Map(intents as [unknown, unknown][])).toEqual(
      new Map([
        ["own", "defer"],
        ["manual", undefined],
      ]),
    );
    expect(fixture.requests("ack")).toMatchObject([{ queue: "manual" }]);
  });

  test("the context", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "a");
    let seen: unknown;
    await using _group = startConsumers(fixture.client, [
      {
        queue: "q",
        name: "my consumer",
        withState: true,
        handler: async ({ state, client, name, attempt, message }) => {
          await state?.save({ done: true });
          seen = {
            name,
            attempt,
            same: client === fixture.client,
            text: await message.payload.text(),
          };
        },
      },
    ]);
    await until(fixture, () => fixture.requests("ack").length === 1);
    expect(seen).toEqual({ name: "my consumer", attempt: 1, same: true, text: "a" });
    expect(fixture.requests("subscribe")[0]?.withState).toBe(true);
  });
});

describe("restarts", () => {
  test("82: at once first, then with pauses; abort resolves", async () => {
    const fixture = queueFixture();
    fixture.fail("subscribe", broken, 5);
    const errors: ConsumerFailure[] = [];
    const abort = new AbortController();
    const group = startConsumers(
      fixture.client,
      [{ queue: "q", handler: () => {}, onError: (event) => void errors.push(event) }],
      abort.signal,
    );
    await until(fixture, () => errors.length === 5);
    expect(errors.map(({ restartInMs }) => restartInMs)).toEqual([0, 0, 0, 250, 500]);
    expect(errors.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    await fixture.client.enqueue("q", "a");
    await until(fixture, () => fixture.requests("ack").length === 1);
    abort.abort(new Error("enough"));
    await group.done;
    expect(fixture.requests("subscribe")).toHaveLength(6);
  });

  test("82: what succeeds in between begins the count anew", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "a");
    fixture.fail("subscribe", broken, 4);
    const errors: ConsumerFailure[] = [];
    let runs = 0;
    await using _group = startConsumers(fixture.client, [
      {
        queue: "q",
        subscribe: { waitMs: "none" },
        handler: () => {
          runs += 1;
          fixture.fail("subscribe", broken, 2);
        },
        onError: (event) => void errors.push(event),
      },
    ]);
    await until(fixture, () => runs === 1 && errors.length === 6);
    expect(errors.map(({ restartInMs }) => restartInMs)).toEqual([0, 0, 0, 250, 0, 0]);
  });

  test("72: manual: the handler's throw ends the subscription, up to maxFailures", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "a", { maxAttempts: 100 });
    const errors: ConsumerFailure[] = [];
    const mine = new Error("mine");
    const group = startConsumers(fixture.client, [
      {
        queue: "q",
        settle: "manual",
        restart: { maxFailures: 5 },
        handler: () => {
          throw mine;
        },
        onError: (event) => void errors.push(event),
      },
    ]);
    let rejected: unknown;
    group.done.catch((error: unknown) => {
      rejected = error;
    });
    await until(fixture, () => rejected !== undefined);
    expect(rejected).toBe(mine);
    expect(errors.map(({ restartInMs }) => restartInMs)).toEqual([0, 0, 0, 250, 500, 0]);
    expect(fixture.requests("subscribe")).toHaveLength(6);
  });

  test("73, 81: what is forbidden is tried once; the others stop too", async () => {
    const fixture = queueFixture();
    fixture.fail("subscribe", forbidden);
    const errors: unknown[] = [];
    const group = startConsumers(fixture.client, [
      { queue: "one", handler: () => {}, onError: ({ error }) => void errors.push(error) },
      { queue: "two", handler: () => {} },
    ]);
    expect(await failureOf(group.done)).toBe(forbidden);
    expect(errors).toEqual([forbidden]);
    expect(fixture.requests("subscribe")).toHaveLength(2);
    await group.stop();
  });

  test.each([
    ["throws", "throw"],
    ["answers an error", "answer"],
  ])("73: a hook that %s stops the group", async (_name, how) => {
    const fixture = queueFixture();
    const stop = new Error("stop it");
    await fixture.client.enqueue("q", "a");
    const group = startConsumers(fixture.client, [
      {
        queue: "q",
        handler: () => {
          throw new Error("mine");
        },
        onError: () => {
          if (how === "throw") throw stop;
          return stop;
        },
      },
    ]);
    expect(await failureOf(group.done)).toBe(stop);
  });

  test("hooks that fail count as failures of the consumer", async () => {
    const fixture = queueFixture();
    let starts = 0;
    const errors: unknown[] = [];
    const bad = new Error("bad hook");
    await using _group = startConsumers(fixture.client, [
      {
        queue: "q",
        handler: () => {},
        onStart: () => {
          starts += 1;
          if (starts === 1) throw bad;
        },
        onError: ({ error }) => void errors.push(error),
      },
    ]);
    await until(fixture, () => fixture.requests("subscribe").length === 1);
    expect(errors).toEqual([bad]);
  });

  test("a stream that ends cleanly is asked for again at once, without counting", async () => {
    const fixture = queueFixture();
    fixture.fail("subscribe", failure("waiting", "nothing"), 6);
    const errors: unknown[] = [];
    await using _group = startConsumers(fixture.client, [
      { queue: "q", handler: () => {}, onError: ({ error }) => void errors.push(error) },
    ]);
    await until(fixture, () => fixture.requests("subscribe").length === 7);
    expect(errors).toEqual([]);
  });

  test("one that does not wait leaves the server 50 ms of air", async () => {
    const fixture = queueFixture();
    await using _group = startConsumers(fixture.client, [
      { queue: "q", handler: () => {}, subscribe: { waitMs: "none" } },
    ]);
    await until(fixture, () => fixture.requests("subscribe").length === 1, 0);
    await fixture.clock.advance(500);
    const count = fixture.requests("subscribe").length;
    expect(count).toBeGreaterThanOrEqual(5);
    expect(count).toBeLessThanOrEqual(11);
  });
});

describe("stopping", () => {
  test("74: the handler is told and awaited, its message is settled", async () => {
    const fixture = queueFixture();
    await fixture.client.enqueue("q", "a");
    await fixture.client.enqueue("q", "b");
    let started = false;
    let ended = false;
    const group = startConsumers(fixture.client, [
      {
        queue: "q",
        handler: async ({ signal }) => {
          started = true;
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          await new Promise((resolve) => setImmediate(resolve));
          ended = true;
        },
      },
    ]);
    await until(fixture, () => started);
    await group.stop();
    expect(ended).toBe(true);
    expect(fixture.requests("ack")).toHaveLength(1);
    expect(await peek(fixture.client, "q")).toMatchObject({ text: "b" });
  });

  test("74: a handler that does not end loses its message to others", async () => {
    const fixture = queueFixture({ closeTimeoutMs: 1_000 });
    await fixture.client.enqueue("q", "a");
    let started = false;
    const group = startConsumers(fixture.client, [
      {
        queue: "q",
        handler: async () => {
          started = true;
          await new Promise(() => {});
        },
      },
    ]);
    await until(fixture, () => started);
    let stopped = false;
    const stopping = group.stop().then(() => {
      stopped = true;
    });
    await until(fixture, () => stopped, 100);
    await stopping;
    expect(await peek(fixture.client, "q")).toMatchObject({ text: "a", failureAttempts: 1 });
  });

  test("closing the client stops its consumers", async () => {
    const fixture = queueFixture();
    const group = startConsumers(fixture.client, [{ queue: "q", handler: () => {} }]);
    await until(fixture, () => fixture.requests("subscribe").length === 1);
    await fixture.client.close();
    await group.done;
  });
});

describe("configuration", () => {
  const { client } = queueFixture();
  test.each<[string, ConsumerConfig[]]>([
    ["nothing", []],
    ["no queue", [{ queue: " ", handler: () => {} }]],
    ["no handler", [{ queue: "q" } as unknown as ConsumerConfig]],
    ["no workers", [{ queue: "q", handler: () => {}, workers: 0 }]],
  ])("%s is refused", (_name, configs) => {
    expect(() => startConsumers(client, configs)).toThrow(LockdConfigError);
  });

  test("75: owners differ and hold allowed characters only", async () => {
    const fixture = queueFixture();
    await using _group = startConsumers(fixture.client, [
      { queue: "q", name: "my äöü/consumer", workers: 2, handler: () => {} },
    ]);
    await until(fixture, () => fixture.requests("subscribe").length === 2);
    const owners = fixture.requests("subscribe").map(({ owner }) => String(owner));
    expect(new Set(owners).size).toBe(2);
    for (const owner of owners) expect(owner).toMatch(/^consumer-my-[A-Za-z0-9._-]+-\d+-\d+$/);
  });

  test("policies with gaps and nonsense", () => {
    expect(restartPolicy()).toEqual({
      immediateRetries: 3,
      baseMs: 250,
      multiplier: 2,
      maxMs: 300_000,
      jitterMs: 0,
      maxFailures: 0,
    });
    expect(restartPolicy({ baseMs: 500, maxMs: 100, multiplier: 1, jitterMs: -1 })).toMatchObject({
      baseMs: 100,
      maxMs: 100,
      multiplier: 2,
      jitterMs: 0,
    });
    const random = { fraction: () => 0 };
    const policy = restartPolicy({ jitterMs: 1_000, immediateRetries: 0 });
    expect(restartPauseMs(policy, random, { failures: 1, error: broken })).toBe(0);
    const busy = failure("queue_busy", "busy", { retryAfterMs: 7_000 });
    expect(restartPauseMs(policy, random, { failures: 1, error: busy })).toBe(7_000);
    const late = { failures: 60, error: broken };
    expect(restartPauseMs(policy, { fraction: () => 0.5 }, late)).toBe(300_000);
  });
});
