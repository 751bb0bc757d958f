/** Dedupe keys whose window is over go away on a store that is never idle. */
import { expect, test } from "vitest";
import { dedupeKeyGraceMs } from "../../../src/engine/limits.ts";
import { StoreFailure } from "../../../src/engine/ports/store.ts";
import { silentTelemetry, type Telemetry } from "../../../src/engine/ports/telemetry.ts";
import { settled } from "../../support/manual-clock.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { countingRandom, type TestEngine, testEngine } from "../../support/test-engine.ts";

const queue = "jobs";
const dedupeWindowSeconds = 100;

async function put({ engine }: TestEngine, key: string): Promise<boolean> {
  const request = { queue, dedupeKey: key, dedupeWindowSeconds };
  return (await engine.queues.enqueue(request, Buffer.from("x"))).duplicate;
}

const keysIn = (store: ScriptedStore): number =>
  [...store.objects.keys()].filter((name) => name.startsWith("d/")).length;

/** One xid and one uuid, other ones in every process. */
const onlyIdsOf = (run: number) => ({
  fraction: () => 0.5,
  xid: () => `${(run * 1_000).toString(32).padStart(19, "0")}g`,
  uuid: () =>
    `${run.toString(16).padStart(8, "0")}-0000-7000-8000-${String(run).padStart(12, "0")}`,
});

test.each([true, false])(
  "behind enqueues, without any idle sweep (atomic plans: %s)",
  async (atomicPlan) => {
    const store = new ScriptedStore({ atomicPlan });
    const world = testEngine({ store });
    for (let at = 0; at < 300; at += 1) await put(world, `old ${at}`);
    await world.clock.advance(dedupeWindowSeconds * 1_000 - 1_000);
    for (let at = 0; at < 100; at += 1) await put(world, `young ${at}`);
    expect(await put(world, "old 7")).toBe(true);
    expect(keysIn(store)).toBe(400);
    await world.clock.advance(1_000 + dedupeKeyGraceMs);
    // Two looks an entry: 600 entries are more than a round through all there can be.
    for (let at = 0; at < 600; at += 1) await put(world, `new ${at}`);
    await world.engine.close();
    expect(keysIn(store)).toBe(700);
  },
);

test("keys that stand for something are never forgotten, however many are entered", async () => {
  const world = testEngine();
  for (let at = 0; at < 1_000; at += 1) await put(world, String(at));
  for (let at = 0; at < 1_000; at += 1) expect(await put(world, String(at))).toBe(true);
  expect(keysIn(world.store)).toBe(1_000);
  await world.engine.close();
});

test("processes that enter one key each forget the old ones too", async () => {
  const store = new ScriptedStore();
  const first = testEngine({ store });
  for (let at = 0; at < 40; at += 1) await put(first, `old ${at}`);
  await first.engine.close();
  for (let run = 1; run <= 60; run += 1) {
    const next = testEngine({ store, random: onlyIdsOf(run) });
    await next.clock.advance(dedupeWindowSeconds * 1_000 + dedupeKeyGraceMs);
    await put(next, `new ${run}`);
    await next.engine.close();
  }
  expect(keysIn(store)).toBe(60);
});

test("a damaged record is left where it is, and holds nothing up", async () => {
  const world = testEngine();
  for (let at = 0; at < 50; at += 1) await put(world, `old ${at}`);
  const [damaged = ""] = [...world.store.objects.keys()].filter((name) => name.startsWith("d/"));
  const stored = world.store.objects.get(damaged);
  if (stored !== undefined)
    world.store.objects.set(damaged, { ...stored, bytes: Buffer.from("?") });
  await world.clock.advance(dedupeWindowSeconds * 1_000 + dedupeKeyGraceMs);
  for (let at = 0; at < 200; at += 1) await put(world, `new ${at}`);
  await world.engine.close();
  expect(world.store.objects.has(damaged)).toBe(true);
  expect(keysIn(world.store)).toBe(201);
});

test("a commit that a crash held up beyond the window still finds its key taken", async () => {
  const store = new ScriptedStore({ exclusive: false });
  const first = testEngine({ store });
  const random = countingRandom();
  for (let at = 0; at < 1_000; at += 1) random.xid();
  const next = testEngine({ store, clock: first.clock, random });
  // It has just looked for transactions to finish, and does so again only some seconds later.
  await put(next, "before");
  const txnId = "00000000000000000tg0";
  const key = { queue, dedupeKey: "k", dedupeWindowSeconds: 1 };
  await first.engine.queues.enqueue({ ...key, txnId }, Buffer.from("second"));
  await first.engine.queues.enqueue(key, Buffer.from("first"));
  // The decision is written, and the process dies before it is carried out.
  const dead = { kind: "wait", until: new Promise<never>(() => {}) } as const;
  store.scripts.push({ kind: "work" }, dead, dead, dead);
  void first.engine.transactions.decide({ txnId, state: "commit" });
  await settled();
  store.scripts.length = 0;
  await first.clock.advance(2_000);
  for (let at = 0; at < 200; at += 1) await put(next, `other ${at}`);
  const messagesIn = (): number =>
    [...store.objects.keys()].filter((name) => name.startsWith("m/")).length;
  expect(messagesIn()).toBe(203);
  await next.engine.transactions.replay({ txnId });
  expect(messagesIn()).toBe(202);
  const page = { queue, owner: "w", waitSeconds: -1, pageSize: 64 };
  const texts: string[] = [];
  for (let taken = 0; taken < 202; ) {
    const some = await next.engine.queues.dequeue(page);
    if (some.length === 0) break;
    taken += some.length;
    for (const { payload } of some) texts.push(String(payload));
  }
  expect(texts).toContain("first");
  expect(texts).not.toContain("second");
  await next.engine.close();
});

test("a store that cannot be read is asked now and then, not by every enqueue", async () => {
  const warned: string[] = [];
  const telemetry = {
    ...silentTelemetry,
    warn: (_sys: string, event: string) => warned.push(event),
  };
  const world = testEngine({ telemetry: telemetry as Telemetry });
  world.store.scan = async () => {
    throw new StoreFailure("unavailable", "not now");
  };
  for (let at = 0; at < 129; at += 1) await put(world, String(at));
  await world.engine.close();
  expect(warned.filter((event) => event === "queue.dedupe_keys.failed")).toHaveLength(3);
});
