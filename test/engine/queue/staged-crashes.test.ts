/**
 * A process that dies after any step of any write of a transaction that enqueues: whoever opens the
 * store next finds all of its messages once, or none of them, and nothing of it is left behind.
 */
import { describe, expect, test } from "vitest";
import type { EnqueueRequest } from "../../../src/api/queues.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import type { NamedObject } from "../../../src/engine/ports/store.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import { MemoryBackend, MemoryStore } from "../../../src/storage/memory/memory-store.ts";
import { bytesOf } from "../../conformance/lockd-suite.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { DyingStore } from "../../support/dying-store.ts";
import { ManualClock, settled } from "../../support/manual-clock.ts";
import type { ScriptedStore } from "../../support/scripted-store.ts";
import { countingRandom, testEngine } from "../../support/test-engine.ts";

const txnId = "00000000000000000tg0";
const otherTxn = "00000000000000000vg0";

/** What the story's client was told before its process died. */
interface Told {
  committed: boolean;
  rolledBack: boolean;
}

interface StoryOf {
  run(engine: Engine, told: Told): Promise<void>;
  /** Texts of what there is in all queues once the transaction is through, in the given order. */
  readonly committed: readonly string[];
  readonly otherwise: readonly string[];
}

async function send(engine: Engine, text: string, request: EnqueueRequest = {}): Promise<void> {
  const size = text.startsWith("big") ? 20_000 : 0;
  const payload = Buffer.from(text + " ".repeat(size));
  await engine.queues.enqueue({ queue: "out", txnId, ...request }, payload);
}

async function decide(engine: Engine, told: Told, state: "commit" | "rollback"): Promise<void> {
  const answer = await engine.transactions.decide({ txnId, state });
  expect(answer.state).toBe(state);
  if (state === "commit") told.committed = true;
  else told.rolledBack = true;
}

const stories: Readonly<Record<string, StoryOf>> = {
  "two queues": {
    run: async (engine, told) => {
      await send(engine, "one");
      await send(engine, "big", { queue: "other" });
      await decide(engine, told, "commit");
    },
    committed: ["one", "big"],
    otherwise: [],
  },
  "rolled back": {
    run: async (engine, told) => {
      await send(engine, "one");
      await send(engine, "big");
      await decide(engine, told, "rollback");
    },
    committed: [],
    otherwise: [],
  },
  "moved from one queue to another, with a key": {
    run: async (engine, told) => {
      const request = { queue: "in", owner: "w", waitSeconds: -1, txnId };
      const [taken] = await engine.queues.dequeue({ ...request, visibilityTimeoutSeconds: 60 });
      if (taken === undefined) throw new Error("nothing there");
      const lease = await engine.acquire({ key: "seen", owner: "w", txnId, ttlSeconds: 60 });
      await engine.update({ ...lease, key: "seen" }, Buffer.from("{}"));
      await send(engine, "moved");
      await engine.queues.ack(identityOf(taken));
      told.committed = true;
    },
    committed: ["moved"],
    otherwise: ["raw"],
  },
  "a group and a key": {
    run: async (engine, told) => {
      await send(engine, "before", { group: "g", txnId: undefined });
      await send(engine, "one", { group: "g", dedupeKey: "k" });
      await send(engine, "two", { group: "g" });
      await send(engine, "three", { dedupeKey: "k3" });
      await decide(engine, told, "commit");
      await send(engine, "after", { group: "g", txnId: undefined });
    },
    committed: ["before", "one", "two", "three"],
    otherwise: [],
  },
  "one key in two transactions": {
    run: async (engine, told) => {
      await send(engine, "loser", { dedupeKey: "k", group: "g", txnId: otherTxn });
      await send(engine, "winner", { dedupeKey: "k", group: "g" });
      await decide(engine, told, "commit");
      await engine.transactions.decide({ txnId: otherTxn, state: "commit" });
    },
    committed: ["winner"],
    otherwise: [],
  },
};

async function drained(engine: Engine, clock: ManualClock): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const queue of ["in", "out", "other"]) {
    for (let misses = 0; misses < (queue === "out" ? 3 : 1); ) {
      const waiting = engine.queues.dequeue({ queue, owner: "next", waitSeconds: 1 });
      const page = waiting.catch(() => []);
      await clock.advance(1_500);
      const [delivery] = await page;
      if (delivery === undefined) {
        misses += 1;
        continue;
      }
      texts.push((await bytesOf(delivery.payload)).toString().trim());
      await engine.queues.ack(identityOf(delivery));
    }
  }
  return texts;
}

/** Everything of messages that is stored, payloads included. */
async function leftovers(backend: MemoryBackend): Promise<readonly string[]> {
  const store = new MemoryStore({ backend });
  const staged = (await store.scan("m/", { limit: 1000 })).objects.map(
    ({ name, bytes }: NamedObject) => `${name} ${decodeMessage(name, bytes).message.staged?.txnId}`,
  );
  const records = (await store.scan("t/", { limit: 1000 })).objects.map(({ name }) => name);
  const payloads = (await store.listStreams("p/", { limit: 1000 })).names;
  return [...staged, ...records, ...payloads];
}

const day = 24 * 3_600_000;

async function crashAfter(story: StoryOf, options: { atomicPlan: boolean; stepsMax: number }) {
  const backend = new MemoryBackend();
  const clock = new ManualClock();
  const first = testEngine({
    store: new MemoryStore({ backend }) as unknown as ScriptedStore,
    clock,
  });
  await first.engine.queues.enqueue({ queue: "in" }, Buffer.from("raw"));
  const store = new DyingStore(new MemoryStore({ backend }), options);
  const { engine } = testEngine({ store: store as unknown as ScriptedStore, clock });
  const told: Told = { committed: false, rolledBack: false };
  let finished = false;
  void story.run(engine, told).then(() => {
    finished = true;
  });
  for (let turn = 0; turn < 20 && !finished; turn += 1) await settled();
  // The next process, after every deadline.
  await clock.advance(120_000);
  const random = countingRandom();
  for (let at = 0; at < 1_000; at += 1) random.xid();
  const { atomicPlan } = options;
  const again = new DyingStore(new MemoryStore({ backend }), { atomicPlan, stepsMax: Infinity });
  const next = testEngine({ store: again as unknown as ScriptedStore, clock, random }).engine;
  return { told, finished, backend, clock, next };
}

async function sweep(engine: Engine): Promise<void> {
  const budget = { opsMax: 10_000, signal: undefined };
  for (let run = 0; run < 4; run += 1) await engine.sweep(budget);
}

describe.each([true, false])("plans are atomic: %s", (atomicPlan) => {
  test.each(Object.entries(stories))(
    "crash after every step: %s",
    async (name, story) => {
      let crashes = 0;
      const seen = new Set<string>();
      for (let stepsMax = 0; ; stepsMax += 1) {
        const where = `${name}: after ${stepsMax} steps`;
        const { told, finished, backend, clock, next } = await crashAfter(story, {
          atomicPlan,
          stepsMax,
        });
        const texts = (await drained(next, clock)).filter(
          (text) =>
            !["before", "after"].includes(text) && (text !== "raw" || name.startsWith("moved")),
        );
        const committed = story.committed.filter((text) => text !== "before");
        const found = JSON.stringify(texts);
        seen.add(found);
        const whole = JSON.stringify(committed);
        const none = JSON.stringify(story.otherwise);
        if (told.committed) expect(found, where).toBe(whole);
        else if (told.rolledBack) expect(found, where).toBe("[]");
        else expect([whole, none], where).toContain(found);
        const isSeen = (await next.get({ key: "seen", public: true })).exists;
        if (name.startsWith("moved")) expect(isSeen, where).toBe(found === whole);
        await sweep(next);
        await clock.advance(day + 60_000);
        await sweep(next);
        await clock.advance(60_000);
        expect(await leftovers(backend), where).toEqual([]);
        if (finished) break;
        crashes += 1;
      }
      expect(crashes).toBeGreaterThan(4);
      if (story.committed.length > 0) expect(seen.size).toBe(2);
    },
    60_000,
  );
});
