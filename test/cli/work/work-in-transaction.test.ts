/** One message and its transaction, over an engine in memory; with a real watchdog and commands. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { failure, LockdTransportError } from "../../../src/api/errors.ts";
import type { KeepAliveRequest } from "../../../src/api/lockd.ts";
import type { DecideRequest } from "../../../src/api/transactions.ts";
import { LeaseClock } from "../../../src/cli/run/lease-clock.ts";
import { Watchdog } from "../../../src/cli/run/watchdog.ts";
import { HeldMessage } from "../../../src/cli/work/held-message.ts";
import { keptKeyLine } from "../../../src/cli/work/kept-key.ts";
import { MessageTransaction } from "../../../src/cli/work/message-transaction.ts";
import { MessageWork } from "../../../src/cli/work/work-on-message.ts";
import { addressOf, json } from "../../conformance/lockd-suite.ts";
import { testEngine } from "../../support/test-engine.ts";

const watchClock = new LeaseClock();
let directory: string;
let watchdog: Watchdog;
let said: string[];

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-work-txn-"));
  watchdog = new Watchdog(watchClock);
});
afterAll(() => {
  watchdog.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  said = [];
});

interface Story {
  /** Milliseconds that the worker's clock is ahead, to have its limits pass. */
  aheadMs: number;
  /** Whether the worker is told of the key. */
  readonly tellsKey: boolean;
  /** Before, and instead of, a decision that reaches the engine. */
  onDecide?: (state: string) => void;
  /** After a decision: its answer is lost when this throws. */
  onDecided?: (state: string) => void;
  onKeepAlive?: (request: KeepAliveRequest) => void;
}

/** A message "in" taken in a transaction that has staged a key and sent a message "out". */
async function begin(given: Partial<Story> = {}) {
  const story: Story = { aheadMs: 0, tellsKey: true, ...given };
  const { engine, clock: engineClock } = testEngine();
  const { queues } = engine;
  const clock = new LeaseClock({
    steadyMs: () => Number(process.hrtime.bigint()) / 1e6 + story.aheadMs,
    bootMs: undefined,
  });
  const wallMs = () => engineClock.wallMs();
  const lockd = {
    transactions: Object.assign(Object.create(engine.transactions), {
      decide: async (request: DecideRequest) => {
        story.onDecide?.(request.state ?? "");
        const result = await engine.transactions.decide(request);
        story.onDecided?.(request.state ?? "");
        return result;
      },
      explain: (request: { readonly txnId: string }) => engine.transactions.explain(request),
    }),
    keepAlive: async (request: KeepAliveRequest) => {
      story.onKeepAlive?.(request);
      return engine.keepAlive(request);
    },
    release: engine.release.bind(engine),
  };
  await queues.enqueue({ queue: "in" }, Buffer.from("x"));
  const shared = { clock, wallMs, directory, lockd };
  const transaction = new MessageTransaction(shared);
  const { txnId } = transaction;
  const sentAt = clock.nowMs();
  const [delivery] = await queues.dequeue({
    ...{ queue: "in", owner: "w", waitSeconds: -1, visibilityTimeoutSeconds: 600 },
    ...{ txnId, txnBound: true },
  });
  if (delivery === undefined) throw new Error("nothing to take");
  const lease = await engine.acquire({ key: "k", owner: "w", txnId, ttlSeconds: 60 });
  if (story.tellsKey) {
    const unchanged = await engine.acquire({ key: "u", owner: "w", txnId, ttlSeconds: 60 });
    for (const one of [lease, unchanged]) {
      await appendFile(transaction.keysFile, keptKeyLine({ ...one, ttlSeconds: 60 }));
    }
  }
  await engine.update(addressOf(lease), json({ n: 1 }));
  await queues.enqueue({ queue: "out", txnId }, Buffer.from("y"));
  const judged = { clock, wallMs, sharedWall: () => false, termGraceMs: 200 };
  const held = await HeldMessage.taken({ queues, ...judged }, delivery, sentAt);
  const work = (command: readonly string[]) =>
    new MessageWork(
      {
        ...{ command, directory, env: process.env, clock: watchClock, wallMs, watchdog },
        mode: { kind: "server", endpoints: "http://127.0.0.1:1", source: "" },
        ...{ nackDelaySeconds: 4, maxDeliveries: 3, say: (text: string) => void said.push(text) },
      },
      held,
      transaction,
    );
  const has = async (queue: string): Promise<boolean> =>
    (await queues.stats({ queue })).pendingCandidates > 0;
  const isFree = async (): Promise<boolean> => {
    const all = await Promise.all(["k", "u"].map((key) => engine.status({ key })));
    return all.every(({ held }) => !held);
  };
  const version = async (): Promise<unknown> =>
    (await engine.get({ key: "k", public: true })).version;
  return { story, engine, engineClock, transaction, lease, work, has, isFree, version };
}

const exits = (code: number) => ["sh", "-c", `exit ${code}`];

async function expectNothing(begun: Awaited<ReturnType<typeof begin>>): Promise<void> {
  expect([await begun.version(), await begun.isFree()]).toEqual([0, true]);
  const { txnId } = begun.transaction;
  expect((await begun.engine.transactions.explain({ txnId })).state).toBe("rollback");
  expect(await begun.has("out")).toBe(false);
}

test("0: all of it", async () => {
  const begun = await begin();
  await begun.work(exits(0)).done;
  expect([await begun.version(), await begun.isFree()]).toEqual([1, true]);
  expect([await begun.has("in"), await begun.has("out"), said]).toEqual([false, true, []]);
  expect(readdirSync(directory)).toEqual([]);
});

test.each([
  [75, 0],
  [3, 1],
])("%i: nothing, the message after its pause, %i failures", async (code, failureAttempts) => {
  const begun = await begin();
  await begun.work(exits(code)).done;
  await expectNothing(begun);
  const taking = { queue: "in", owner: "w", waitSeconds: -1 };
  await expect(begun.engine.queues.dequeue(taking)).rejects.toMatchObject({ code: "waiting" });
  await begun.engineClock.advance(5_000);
  const [again] = await begun.engine.queues.dequeue(taking);
  expect(again).toMatchObject({ attempts: 2, failureAttempts });
});

test("a commit whose answer is lost is decided again", async () => {
  let lost = 0;
  const begun = await begin({
    onDecided: (state) => {
      if (state !== "commit" || lost > 0) return;
      lost += 1;
      throw new LockdTransportError("transport", "cut", { outcomeUnknown: true });
    },
  });
  await begun.work(exits(0)).done;
  expect([lost, said, await begun.version()]).toEqual([1, [], 1]);
});

test("nobody can be asked: said, and nothing is done about it", async () => {
  const asked: string[] = [];
  const begun = await begin({
    onDecide: (state) => {
      asked.push(state);
      begun.story.aheadMs += 10_000;
      throw new LockdTransportError("transport", "no route", { outcomeUnknown: true });
    },
  });
  await begun.work(exits(0)).done;
  expect(said.join()).toContain(`lockd txn replay ${begun.transaction.txnId}`);
  expect(new Set(asked)).toEqual(new Set(["commit"]));
});

test.each([true, false])("somebody rolled it back: said, it comes again (%s)", async (tellsKey) => {
  const begun = await begin({ tellsKey });
  const { txnId } = begun.transaction;
  await begun.engine.transactions.decide({ txnId, state: "rollback" });
  await begun.work(exits(0)).done;
  expect(said).toEqual([
    expect.stringMatching(
      /nothing of it is committed, and it comes again: .* was rolled back before/,
    ),
  ]);
  await expectNothing(begun);
  expect(await begun.has("in")).toBe(true);
});

const committed = /: its command has committed transaction [0-9a-v]+: it is gone, and what was/;
const rolledBack = /: transaction [0-9a-v]+ was rolled back before, by its .*: it comes again$/;

test.each([
  ["commit", 3, committed],
  ["commit", 75, committed],
  ["rollback", 3, rolledBack],
  ["rollback", 75, rolledBack],
])("decided by its command, a %s, and then %i: said as it is", async (state, code, text) => {
  const begun = await begin();
  const { txnId } = begun.transaction;
  await begun.engine.transactions.decide({ txnId, state });
  await begun.work(exits(code)).done;
  const failed = code === 3 ? [expect.stringContaining("exit status 3 (attempt 1)")] : [];
  expect(said).toEqual([...failed, expect.stringMatching(text)]);
  if (state === "rollback") await expectNothing(begun);
  else expect([await begun.version(), await begun.isFree()]).toEqual([1, true]);
  expect(await begun.has("in")).toBe(state === "rollback");
});

test("committed by its command, which goes on until it is stopped: said as it is", async () => {
  const begun = await begin({ tellsKey: false });
  const { txnId } = begun.transaction;
  await begun.engine.transactions.decide({ txnId, state: "commit" });
  const line = keptKeyLine({ ...begun.lease, key: "other", ttlSeconds: 1 });
  await appendFile(begun.transaction.keysFile, line);
  await begun.work(["sleep", "60"]).done;
  const [stopped, told, ...more] = said;
  expect([stopped, told, more]).toEqual([
    expect.stringMatching(/is gone; stopping the command/),
    expect.stringMatching(/its command has committed transaction [0-9a-v]+: it is gone/),
    [],
  ]);
});

test("somebody committed it: nothing is said that is not so", async () => {
  const begun = await begin();
  const { txnId } = begun.transaction;
  await begun.engine.transactions.decide({ txnId, state: "commit" });
  await begun.work(exits(0)).done;
  expect([await begun.version(), await begun.has("in"), said]).toEqual([1, false, []]);
  expect(await begun.isFree()).toBe(true);
});

test("a key that is gone when the command is done: nothing is committed", async () => {
  const begun = await begin({
    onKeepAlive: () => {
      throw failure("lease_expired", "gone");
    },
  });
  await begun.work(exits(0)).done;
  expect(said.join()).toMatch(/nothing of it is committed.*lease of k, acquired/);
  await expectNothing(begun);
});

test("a key whose renewal nobody answered: nothing is committed, and that is sure", async () => {
  const begun = await begin({
    onKeepAlive: () => {
      throw new LockdTransportError("transport", "cut", { outcomeUnknown: true });
    },
  });
  await begun.work(exits(0)).done;
  expect(said.join()).toMatch(/nothing of it is committed.*could not be renewed.*cut/);
  await expectNothing(begun);
});

test("a key that is gone meanwhile: the command is stopped, and need not go along", async () => {
  const kept = vi.fn(() => {
    throw failure("lease_expired", "gone");
  });
  const begun = await begin({ onKeepAlive: kept });
  const line = keptKeyLine({ ...begun.lease, leaseId: "short", key: "other", ttlSeconds: 1 });
  await appendFile(begun.transaction.keysFile, line);
  await begun.work(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]).done;
  expect(kept).toHaveBeenCalledTimes(1);
  expect(said).toEqual([expect.stringMatching(/lease of other.*is gone; stopping the command/)]);
  await expectNothing(begun);
});

test("called off: nothing, whatever its exit code", async () => {
  const begun = await begin();
  const work = begun.work(["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  work.stop();
  await work.done;
  await expectNothing(begun);
});
