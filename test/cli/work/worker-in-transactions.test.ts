/** How a worker takes its messages, each in a transaction of its own; over an engine in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LockdTransportError } from "../../../src/api/errors.ts";
import type { DequeueRequest, Queues } from "../../../src/api/queues.ts";
import { LeaseClock } from "../../../src/cli/run/lease-clock.ts";
import { Watchdog } from "../../../src/cli/run/watchdog.ts";
import { Worker } from "../../../src/cli/work/worker.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { testEngine } from "../../support/test-engine.ts";

let directory: string;
let watchdog: Watchdog;
let engine: Engine;
let asked: DequeueRequest[];
const clock = new LeaseClock();

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-worker-txn-"));
  watchdog = new Watchdog(clock);
  ({ engine } = testEngine());
  asked = [];
});
afterEach(async () => {
  watchdog.close();
  await engine.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Works on `max` messages; the answers of the first `lost` requests never come. */
async function workOn(max: number, ...[inTransaction, lost]: [boolean, number]): Promise<void> {
  let left = lost;
  const queues: Queues = Object.assign(Object.create(engine.queues), {
    dequeue: async (request: DequeueRequest) => {
      asked.push(request);
      const page = await engine.queues.dequeue(request);
      left -= 1;
      if (left < 0) return page;
      throw new LockdTransportError("transport", "cut", { outcomeUnknown: true });
    },
  });
  const worker = new Worker({
    ...{ clock, wallMs: Date.now, sharedWall: () => false, termGraceMs: 200, watchdog, directory },
    ...{ queues, lockd: engine, inTransaction, command: ["true"], env: process.env },
    take: { queue: "in", owner: "w" },
    mode: { kind: "server", endpoints: "http://127.0.0.1:1", source: "" },
    plan: {
      ...{ concurrency: 1, max, idleExitMs: Infinity, closeTimeoutMs: 1_000, termGraceMs: 200 },
    },
    ...{ nackDelaySeconds: undefined, maxDeliveries: Infinity, say: () => {} },
  });
  await worker.run();
}

async function put(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    await engine.queues.enqueue({ queue: "in" }, Buffer.from("x"));
  }
}

test("every request has an id of its own, whose transaction loses no delivery", async () => {
  await put(2);
  await workOn(2, true, 0);
  expect(asked.every(({ txnBound }) => txnBound === true)).toBe(true);
  expect(new Set(asked.map(({ txnId }) => txnId)).size).toBe(2);
  for (const { txnId } of asked) {
    expect((await engine.transactions.explain({ txnId })).state).toBe("commit");
  }
});

test("a message whose delivery never arrived goes back at once, unsettled", async () => {
  await put(1);
  await workOn(1, true, 1);
  const states = asked.map(async ({ txnId }) => engine.transactions.explain({ txnId }));
  expect((await Promise.all(states)).map(({ state }) => state)).toEqual(["rollback", "commit"]);
});

test("without --transaction nobody hears of any", async () => {
  await put(1);
  await workOn(1, false, 0);
  expect(asked.map(({ txnId, txnBound }) => [txnId, txnBound])).toEqual([[undefined, undefined]]);
});
