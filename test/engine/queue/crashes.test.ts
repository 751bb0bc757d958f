/**
 * A process that dies after any step of any write (http-queue.md section 15.1): whoever opens the
 * store next finds every acknowledged message, none that was acknowledged as settled, and every
 * group in its order.
 */
import { describe, expect, test } from "vitest";
import type { Delivery } from "../../../src/api/queues.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { MemoryBackend, MemoryStore } from "../../../src/storage/memory/memory-store.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { DyingStore } from "../../support/dying-store.ts";
import { ManualClock, settled } from "../../support/manual-clock.ts";
import type { ScriptedStore } from "../../support/scripted-store.ts";
import { countingRandom, testEngine } from "../../support/test-engine.ts";

/** What a story was told, and so may rely on. */
interface Told {
  readonly enqueued: string[];
  readonly acked: string[];
  /** What it asked to be rid of, answered or not. */
  readonly givenUp: string[];
}

type Story = (engine: Engine, told: Told) => Promise<void>;

const queue = "jobs";

async function put(engine: Engine, told: Told, request = {}, size = 3): Promise<string> {
  const answer = await engine.queues.enqueue({ queue, ...request }, Buffer.alloc(size, "x"));
  told.enqueued.push(answer.messageId);
  return answer.messageId;
}

async function take(engine: Engine, withState = false): Promise<Delivery> {
  const request = { queue, owner: "w", waitSeconds: -1, withState };
  const [delivery] = await engine.queues.dequeue(request);
  if (delivery === undefined) throw new Error("nothing there");
  return delivery;
}

async function ack(engine: Engine, told: Told, delivery: Delivery): Promise<void> {
  told.givenUp.push(delivery.messageId);
  await engine.queues.ack(identityOf(delivery));
  told.acked.push(delivery.messageId);
}

const stories: Readonly<Record<string, Story>> = {
  "enqueue, deliver, ack": async (engine, told) => {
    await put(engine, told);
    await put(engine, told, {}, 20_000);
    await ack(engine, told, await take(engine));
    await ack(engine, told, await take(engine));
  },
  "nack and extend": async (engine, told) => {
    await put(engine, told);
    const first = await take(engine);
    const { metaEtag } = await engine.queues.extend({ ...identityOf(first), extendBySeconds: 5 });
    await engine.queues.nack({ ...identityOf(first), metaEtag });
    await ack(engine, told, await take(engine));
  },
  "dead letter and redrive": async (engine, told) => {
    await put(engine, told, { maxAttempts: 1 }, 20_000);
    await engine.queues.nack(identityOf(await take(engine)));
    await engine.queues.redrive({ queue, all: true });
    await ack(engine, told, await take(engine));
  },
  "dead letter and purge": async (engine, told) => {
    const messageId = await put(engine, told, { maxAttempts: 1 });
    await engine.queues.nack(identityOf(await take(engine)));
    told.givenUp.push(messageId);
    await engine.queues.purge({ queue, all: true });
  },
  "a group": async (engine, told) => {
    for (let at = 0; at < 3; at += 1) await put(engine, told, { group: "g" });
    await ack(engine, told, await take(engine));
    await engine.queues.nack(identityOf(await take(engine)));
    await put(engine, told, { group: "g" });
  },
  "a key": async (engine, told) => {
    await put(engine, told, { dedupeKey: "k", group: "g" });
    await put(engine, told, { dedupeKey: "k", group: "g" });
    await put(engine, told, { dedupeKey: "k" });
    await put(engine, told, { group: "g" });
    await ack(engine, told, await take(engine));
  },
  "a state": async (engine, told) => {
    await put(engine, told);
    const first = await take(engine, true);
    await engine.queues.nack(identityOf(first));
    await ack(engine, told, await take(engine, true));
  },
};

interface Survivor {
  readonly engine: Engine;
  readonly clock: ManualClock;
}

/** The next process on the same store, long after. */
async function nextProcess(backend: MemoryBackend, clock: ManualClock): Promise<Survivor> {
  await clock.advance(120_000);
  const store = new MemoryStore({ backend }) as unknown as ScriptedStore;
  const random = countingRandom();
  // Ids of another process.
  for (let at = 0; at < 1_000; at += 1) random.xid();
  return { engine: testEngine({ store, clock, random }).engine, clock };
}

async function drained({ engine, clock }: Survivor): Promise<readonly string[]> {
  const ids: string[] = [];
  // Half enqueued messages are looked at again and again, and never delivered.
  for (let round = 0; round < 12; round += 1) {
    const waiting = engine.queues.dequeue({ queue, owner: "next", waitSeconds: 1, pageSize: 1 });
    const page = waiting.catch(() => []);
    await clock.advance(1_500);
    for (const delivery of await page) {
      ids.push(delivery.messageId);
      await engine.queues.ack(identityOf(delivery));
    }
  }
  return ids;
}

async function crashAfter(
  story: Story,
  options: { atomicPlan: boolean; stepsMax: number },
): Promise<{ readonly told: Told; readonly finished: boolean; readonly survivor: Survivor }> {
  const backend = new MemoryBackend();
  const clock = new ManualClock();
  const store = new DyingStore(new MemoryStore({ backend }), options);
  const { engine } = testEngine({ store: store as unknown as ScriptedStore, clock });
  const told: Told = { enqueued: [], acked: [], givenUp: [] };
  let finished = false;
  void story(engine, told).then(() => {
    finished = true;
  });
  for (let turn = 0; turn < 12 && !finished; turn += 1) await settled();
  return { told, finished, survivor: await nextProcess(backend, clock) };
}

describe.each([true, false])("plans are atomic: %s", (atomicPlan) => {
  test.each(Object.entries(stories))("crash after every step: %s", async (name, story) => {
    let crashes = 0;
    for (let stepsMax = 0; ; stepsMax += 1) {
      const { told, finished, survivor } = await crashAfter(story, { atomicPlan, stepsMax });
      const ids = await drained(survivor);
      const { letters } = await survivor.engine.queues.deadLetters({ queue });
      const where = `after ${stepsMax} steps`;
      for (const messageId of told.acked) expect(ids, where).not.toContain(messageId);
      const buried = letters.map((letter) => letter.messageId);
      for (const messageId of told.enqueued) {
        if (told.givenUp.includes(messageId)) continue;
        expect([...ids, ...buried], where).toContain(messageId);
      }
      if (name === "a group") expect([...ids].sort(), where).toEqual(ids);
      expect(new Set(ids).size, where).toBe(ids.length);
      if (finished) break;
      crashes += 1;
    }
    expect(crashes).toBeGreaterThan(4);
  });
});
