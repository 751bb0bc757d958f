/** Dead letters put back while something is in the way: nothing is lost, nothing doubled. */
import { expect, test } from "vitest";
import { Engine } from "../../../src/engine/engine.ts";
import type { ApplyResult, Plan } from "../../../src/engine/ports/store.ts";
import { StoreFailure } from "../../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { ManualClock, settled } from "../../support/manual-clock.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { countingRandom } from "../../support/test-engine.ts";

const queue = "jobs";

class TornStore extends ScriptedStore {
  /** Plans of that shape are refused. */
  refuses: string | undefined;
  /** How the next plan of that shape is carried out; then forgotten. */
  instead: { shape: string; run: (plan: Plan) => Promise<ApplyResult> } | undefined;

  constructor(exclusive = false) {
    super({ exclusive, atomicPlan: false });
  }

  override async apply(plan: Plan): Promise<ApplyResult> {
    const { instead } = this;
    const shape = plan.map(({ kind, name }) => `${kind} ${name.slice(0, 1)}`).join(", ");
    if (shape === this.refuses) throw new StoreFailure("unavailable", "not now");
    if (instead?.shape !== shape) return super.apply(plan);
    this.instead = undefined;
    return instead.run(plan);
  }

  /** The first step of a plan alone. */
  async firstOf(plan: Plan): Promise<void> {
    await super.apply(plan.slice(0, 1));
  }

  /** From now on a plan of that shape is cut after its first step: its process dies there. */
  async cutsOnce(shape: string): Promise<void> {
    const run = async (plan: Plan): Promise<never> => {
      await this.firstOf(plan);
      throw new StoreFailure("unavailable", "the process dies here");
    };
    this.instead = { shape, run };
  }
}

const burial = "put x, delete m";
const redrive = "put m, delete x";

function world(exclusive = false) {
  const store = new TornStore(exclusive);
  const clock = new ManualClock();
  const random = countingRandom();
  const engine = () =>
    new Engine({
      ...{ clock, random, store, telemetry: silentTelemetry },
      ...{ defaultNamespace: "default", jsonBytesMax: 1024 * 1024 },
      ...{ defaultTtlSeconds: 30, maxTtlSeconds: 1800, acquireBlockSeconds: 60 },
    });
  return { store, clock, engine: engine(), other: engine() };
}

async function take({ queues }: Engine, waitSeconds = -1) {
  const [delivery] = await queues.dequeue({ queue, owner: "w", waitSeconds });
  if (delivery === undefined) throw new Error("nothing there");
  return delivery;
}

/** A message that fails for good. */
async function dead(
  engine: Engine,
  { bytes = 3, ...request }: { bytes?: number; group?: string } = {},
) {
  const { messageId } = await engine.queues.enqueue(
    { queue, maxAttempts: 1, ...request },
    Buffer.alloc(bytes, "x"),
  );
  const delivery = await take(engine);
  await engine.queues.nack(identityOf(delivery));
  return { messageId, delivery };
}

/** Asks as long as a hidden message may take to appear. */
async function nothingComes(engine: Engine, clock: ManualClock): Promise<void> {
  const asked = take(engine, 30).catch((error: unknown) => error);
  await clock.advance(31_000);
  expect(await asked).toMatchObject({ code: "waiting" });
}

function namesIn(store: TornStore, prefix: string): readonly string[] {
  return [...store.objects.keys()].filter((name) => name.startsWith(prefix));
}

test("a store's conflict is not taken for the message being back", async () => {
  const { store, engine } = world();
  const { messageId } = await dead(engine);
  store.instead = { shape: redrive, run: async () => ({ kind: "conflict", step: 0 }) };
  expect(await engine.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
  expect((await take(engine)).messageId).toBe(messageId);
});

test("what is half buried is revived where it is, and its burial does not go on", async () => {
  const { store, engine, other } = world();
  let rest: Plan = [];
  store.instead = {
    shape: burial,
    run: async (plan) => {
      rest = plan.slice(1);
      await store.firstOf(plan);
      throw new StoreFailure("unavailable", "the process that buries it stands still");
    },
  };
  const { messageId } = await dead(engine);
  expect(namesIn(store, "m/")).toHaveLength(1);
  expect(await other.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
  expect(await store.apply(rest)).toMatchObject({ kind: "conflict" });
  expect(namesIn(store, "x/")).toEqual([]);
  expect((await take(other)).messageId).toBe(messageId);
});

test("of two redrives at once neither takes away what the other put back", async () => {
  const { store, engine, other } = world();
  const { messageId } = await dead(engine);
  store.instead = {
    shape: redrive,
    run: async (plan) => {
      await store.firstOf(plan);
      expect(await other.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
      return { kind: "conflict", step: 1 };
    },
  };
  await engine.queues.redrive({ queue, messageId });
  expect((await take(engine)).messageId).toBe(messageId);
});

test("a purge at the same time wins whole, with nothing left over", async () => {
  const { store, clock, engine, other } = world();
  const { messageId } = await dead(engine, { bytes: 20_000 });
  store.instead = {
    shape: redrive,
    run: async (plan) => {
      await store.firstOf(plan);
      expect(await other.queues.purge({ queue, messageId })).toMatchObject({ changed: 1 });
      // It is a message's again for now, so its payload is not the purge's to delete.
      await clock.advance(60_000);
      expect(store.streams.size).toBe(1);
      return { kind: "conflict", step: 1 };
    },
  };
  expect(await engine.queues.redrive({ queue, messageId })).toMatchObject({ changed: 0 });
  await clock.advance(60_000);
  expect([namesIn(store, "m/"), namesIn(store, "x/"), store.streams.size]).toEqual([[], [], 0]);
});

test("of two redrives of a group's letter one makes the message", async () => {
  const { store, clock, engine, other } = world();
  const { messageId } = await dead(engine, { group: "g" });
  store.instead = {
    shape: "delete x",
    run: async (plan) => {
      await other.queues.redrive({ queue, messageId });
      return store.apply(plan);
    },
  };
  await engine.queues.redrive({ queue, messageId });
  const again = take(engine, 5);
  await clock.advance(6_000);
  await engine.queues.ack(identityOf(await again));
  const nothing = take(other, 5).catch((error: unknown) => error);
  await clock.advance(6_000);
  expect(await nothing).toMatchObject({ code: "waiting" });
});

test("whoever still reads that a message is gone is waited for", async () => {
  const { store, engine } = world(true);
  const { messageId, delivery } = await dead(engine);
  const read = Promise.withResolvers<void>();
  const get = store.get.bind(store);
  store.get = async (name) => {
    const found = await get(name);
    if (name.startsWith("m/")) await read.promise;
    return found;
  };
  const late = engine.queues.ack(identityOf(delivery)).catch((error: unknown) => error);
  const back = engine.queues.redrive({ queue, messageId });
  await settled();
  expect(namesIn(store, "m/")).toEqual([]);
  read.resolve();
  expect(await late).toMatchObject({ code: "not_found" });
  expect(await back).toMatchObject({ changed: 1 });
  expect((await take(engine)).messageId).toBe(messageId);
});

test("a redrive that comes when the message was settled again brings nothing back", async () => {
  const { store, clock, engine, other } = world();
  const { messageId } = await dead(engine);
  store.instead = {
    shape: redrive,
    run: async (plan) => {
      // The other one is through, and so is its consumer, before this one's first step.
      expect(await other.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
      await other.queues.ack(identityOf(await take(other)));
      await store.firstOf(plan);
      // Nobody is given it before the letter has told that it came too late.
      await expect(take(other)).rejects.toMatchObject({ code: "waiting" });
      return { kind: "conflict", step: 1 };
    },
  };
  expect(await engine.queues.redrive({ queue, messageId })).toMatchObject({ changed: 0 });
  await nothingComes(other, clock);
  expect([namesIn(store, "m/"), namesIn(store, "x/")]).toEqual([[], []]);
});

test("the same in a group", async () => {
  const { store, clock, engine, other } = world();
  const { messageId } = await dead(engine, { group: "g" });
  store.instead = {
    shape: "delete x",
    run: async (plan) => {
      // Both have made their message; this one waits with it for its letter.
      await expect(take(other)).rejects.toMatchObject({ code: "waiting" });
      await other.queues.redrive({ queue, messageId });
      return store.apply(plan);
    },
  };
  expect(await engine.queues.redrive({ queue, messageId })).toMatchObject({ changed: 0 });
  const again = take(engine, 5);
  await clock.advance(6_000);
  await engine.queues.ack(identityOf(await again));
  await nothingComes(other, clock);
  expect(namesIn(store, "m/")).toEqual([]);
});

test("a redrive that dies in between costs seconds, and loses nothing", async () => {
  const { store, clock, engine, other } = world();
  const { messageId } = await dead(engine);
  await store.cutsOnce(redrive);
  await expect(engine.queues.redrive({ queue, messageId })).rejects.toThrow();
  await expect(take(other)).rejects.toMatchObject({ code: "waiting" });
  await clock.advance(11_000);
  expect(await take(other)).toMatchObject({ messageId, attempts: 1, fencingToken: 2 });
});

test("one that was left half done is finished by the next, which shows the message", async () => {
  const { store, engine, other } = world();
  const { messageId } = await dead(engine);
  await store.cutsOnce(redrive);
  await expect(engine.queues.redrive({ queue, messageId })).rejects.toThrow();
  expect(await other.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
  expect((await take(other)).messageId).toBe(messageId);
  expect(namesIn(store, "x/")).toEqual([]);
});

test("a purged letter does not come back by a burial that was half done", async () => {
  const { store, clock, engine, other } = world();
  await store.cutsOnce(burial);
  const { messageId } = await dead(engine, { bytes: 20_000 });
  expect([namesIn(store, "m/").length, namesIn(store, "x/").length]).toEqual([1, 1]);
  expect(await other.queues.purge({ queue, messageId })).toMatchObject({ changed: 1 });
  await nothingComes(other, clock);
  await clock.advance(60_000);
  expect([namesIn(store, "m/"), namesIn(store, "x/"), store.streams.size]).toEqual([[], [], 0]);
});

test("nor does one of a group that was put back", async () => {
  const { store, clock, engine, other } = world();
  await store.cutsOnce(burial);
  await engine.queues.enqueue({ queue, maxAttempts: 1, group: "g" }, Buffer.from("x"));
  const delivery = await take(engine);
  await engine.queues.nack(identityOf(delivery));
  const { messageId } = delivery;
  expect(await other.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
  const again = take(other, 5);
  await clock.advance(6_000);
  await other.queues.ack(identityOf(await again));
  await nothingComes(other, clock);
  expect([namesIn(store, "m/"), namesIn(store, "x/")]).toEqual([[], []]);
});

/** A letter whose message may be delivered once: it is exhausted in its next consumer's hands. */
async function deadOnce({ store, clock, engine }: ReturnType<typeof world>) {
  const sent = { queue, maxDeliveries: 1 };
  const { messageId } = await engine.queues.enqueue(sent, Buffer.from("x"));
  await engine.queues.nack(identityOf(await take(engine)));
  // It is back, and its letter still there.
  await store.cutsOnce(redrive);
  await expect(engine.queues.redrive({ queue, messageId })).rejects.toThrow();
  await clock.advance(11_000);
  expect([namesIn(store, "m/").length, namesIn(store, "x/").length]).toEqual([1, 1]);
  return messageId;
}

const txnId = "0000000000000000000g";

test("a purge leaves a message alone that is in somebody's hands", async () => {
  const given = world();
  const { store, engine, other } = given;
  const messageId = await deadOnce(given);
  const held = await take(other);
  expect(await engine.queues.purge({ queue, messageId })).toMatchObject({ changed: 1 });
  await other.queues.ack(identityOf(held));
  expect([namesIn(store, "m/"), namesIn(store, "x/")]).toEqual([[], []]);
});

test("a message that a transaction has committed is not revived", async () => {
  const given = world();
  const { store, clock, engine, other } = given;
  const messageId = await deadOnce(given);
  const key = `q/${queue}/msg/${messageId}`;
  const participants = [{ namespace: "default", key }];
  await engine.queues.dequeue({ queue, owner: "w", waitSeconds: -1, txnId });
  // Decided, and the store does not take what follows from it.
  store.refuses = "delete m";
  const deciding = engine.transactions
    .decide({ txnId, state: "commit", participants })
    .catch((error: unknown) => error);
  await clock.advance(60_000);
  await deciding;
  store.refuses = undefined;
  expect(namesIn(store, "m/")).toHaveLength(1);
  expect(await other.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
  await nothingComes(other, clock);
  expect([namesIn(store, "m/"), namesIn(store, "x/")]).toEqual([[], []]);
});

test("a commit that came too late takes neither the message nor its letter", async () => {
  const given = world();
  const { store, clock, engine, other } = given;
  const messageId = await deadOnce(given);
  const participants = [{ namespace: "default", key: `q/${queue}/msg/${messageId}` }];
  await engine.queues.dequeue({ queue, owner: "w", waitSeconds: -1, txnId });
  const expiresAtUnix = Math.floor(clock.wallMs() / 1000) + 600;
  await engine.transactions.decide({ txnId, state: "pending", expiresAtUnix });
  await clock.advance(31_000);
  const late = engine.transactions.decide({ txnId, state: "commit", participants });
  await expect(late).rejects.toMatchObject({ code: "queue_message_lease_mismatch" });
  // The next look buries it, and so the only copy left is the letter that is put back.
  const get = store.get.bind(store);
  let buries = true;
  store.get = async (name) => {
    const found = await get(name);
    if (name.startsWith("m/") && found !== undefined && buries) {
      buries = false;
      store.objects.delete(name);
    }
    return found;
  };
  expect(await other.queues.redrive({ queue, messageId })).toMatchObject({ changed: 1 });
  expect((await take(other)).messageId).toBe(messageId);
});
