/** What must never hold up a group, or open a window: messages that are not there in truth. */
import { expect, test } from "vitest";
import type { ApplyResult, Plan } from "../../../src/engine/ports/store.ts";
import { StoreFailure } from "../../../src/engine/ports/store.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { settled } from "../../support/manual-clock.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { type TestEngine, testEngine } from "../../support/test-engine.ts";

const queue = "jobs";

async function take({ engine }: TestEngine, request = {}) {
  const ask = { queue, owner: "w", waitSeconds: -1, ...request };
  const [delivery] = await engine.queues.dequeue(ask);
  if (delivery === undefined) throw new Error("nothing there");
  return delivery;
}

function put({ engine }: TestEngine, text: string, request = {}) {
  return engine.queues.enqueue({ queue, ...request }, Buffer.from(text));
}

test("a half enqueued message that outlived itself does not hold up its group", async () => {
  const store = new ScriptedStore({ atomicPlan: false });
  const world = testEngine({ store });
  await put(world, "first", { group: "g" });
  await world.engine.queues.ack(identityOf(await take(world)));
  const apply = store.apply.bind(store);
  store.apply = async (plan: Plan): Promise<ApplyResult> => {
    if (!plan.some(({ name }) => name.startsWith("g/"))) return apply(plan);
    throw new StoreFailure("unavailable", "its producer gets no further");
  };
  await expect(put(world, "half", { group: "g", ttlSeconds: 2 })).rejects.toThrow();
  store.apply = apply;
  await put(world, "next", { group: "g" });
  await world.clock.advance(5_000);
  const next = take(world, { waitSeconds: 5 });
  await world.clock.advance(1_000);
  expect(Buffer.from((await next).payload as Uint8Array).toString()).toBe("next");
});

test("a message that went with an ack of unknown outcome does not hold up its group", async () => {
  const world = testEngine();
  const { clock, store, engine } = world;
  await put(world, "first", { group: "g", maxDeliveries: 1 });
  await put(world, "next", { group: "g" });
  const first = await take(world, { visibilityTimeoutSeconds: 2 });
  store.scripts.push({ kind: "lose-answer" });
  const get = store.get.bind(store);
  store.get = async (name) => {
    await clock.advance(5_000);
    return get(name);
  };
  await expect(engine.queues.ack(identityOf(first))).rejects.toMatchObject({
    outcomeUnknown: true,
  });
  store.get = get;
  const next = take(world, { waitSeconds: 5 });
  await clock.advance(1_000);
  expect(Buffer.from((await next).payload as Uint8Array).toString()).toBe("next");
});

test("news of an enqueue that comes after the delivery does not open the window", async () => {
  const store = new ScriptedStore({ exclusive: false });
  const world = testEngine({ store });
  const answered = Promise.withResolvers<void>();
  const apply = store.apply.bind(store);
  store.apply = async (plan: Plan): Promise<ApplyResult> => {
    store.apply = apply;
    const result = await apply(plan);
    await answered.promise;
    return result;
  };
  const slow = put(world, "first");
  await settled();
  const request = { queue, owner: "w", pageSize: 1, waitSeconds: 0 };
  const stream = await world.engine.queues.subscribe(request);
  const deliveries = stream[Symbol.asyncIterator]();
  expect((await deliveries.next()).done).toBe(false);
  answered.resolve();
  await slow;
  await put(world, "second");
  let isSecond = false;
  void deliveries.next().then(() => {
    isSecond = true;
  });
  await world.clock.advance(2_000);
  expect(isSecond).toBe(false);
  await stream.close();
});

test("a message that was settled before its producer was answered holds up no group", async () => {
  const world = testEngine();
  const { clock, store } = world;
  const answer = Promise.withResolvers<void>();
  const apply = store.apply.bind(store);
  store.apply = async (plan: Plan): Promise<ApplyResult> => {
    const result = await apply(plan);
    store.apply = apply;
    await answer.promise;
    return result;
  };
  const late = put(world, "first", { group: "g", ttlSeconds: 2 });
  await settled();
  // Found by a look at the store.
  await world.engine.queues.ack(identityOf(await take(world)));
  answer.resolve();
  await late;
  await clock.advance(3_000);
  await put(world, "next", { group: "g" });
  const next = take(world, { waitSeconds: 5 });
  await clock.advance(6_000);
  expect(Buffer.from((await next).payload as Uint8Array).toString()).toBe("next");
});
