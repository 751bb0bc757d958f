/** Bounds, drains, unknown outcomes and damage: what queues do when something is in the way. */
import { describe, expect, test } from "vitest";
import { dedupeKeyGraceMs } from "../../../src/engine/limits.ts";
import { StoreFailure, type VersionTag } from "../../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../../src/engine/ports/telemetry.ts";
import { identityOf } from "../../conformance/queue-story.ts";
import { settled } from "../../support/manual-clock.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { testEngine } from "../../support/test-engine.ts";

const queue = "jobs";
const nowhere = { queue, owner: "w", waitSeconds: -1 };
const forever = { queue, owner: "w", waitSeconds: 0 };

function put(
  world: ReturnType<typeof testEngine>,
  request = {},
  text = "x",
): Promise<{ messageId: string }> {
  return world.engine.queues.enqueue({ queue, ...request }, Buffer.from(text));
}

async function take(world: ReturnType<typeof testEngine>) {
  const [delivery] = await world.engine.queues.dequeue(nowhere);
  if (delivery === undefined) throw new Error("a page was empty");
  return delivery;
}

/** A value nested so deep that its text cannot be made. */
function nested(levels: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
}

describe("limits", () => {
  test("values nested without end are refused like long ones", async () => {
    const world = testEngine();
    const deep = nested(100_000);
    await expect(put(world, { attributes: deep })).rejects.toMatchObject({ code: "invalid_body" });
    await put(world);
    const { messageId, leaseId, fencingToken, metaEtag, txnId } = await take(world);
    const address = { queue, messageId, leaseId, fencingToken, metaEtag, txnId };
    const nack = world.engine.queues.nack({ ...address, lastError: deep });
    await expect(nack).rejects.toMatchObject({ code: "invalid_body" });
  });

  test("27: more waiting consumers than the limit are told that it is busy", async () => {
    const world = testEngine({ queues: { consumersMax: 2 } });
    const waiting = [1, 2].map(() => world.engine.queues.dequeue(forever));
    await settled();
    const third = world.engine.queues.dequeue(forever);
    await expect(third).rejects.toMatchObject({ code: "queue_busy", retryAfterMs: 1000 });
    await put(world);
    await put(world);
    expect((await Promise.all(waiting)).map((page) => page.length)).toEqual([1, 1]);
    await put(world);
    await expect(take(world)).resolves.toMatchObject({ attempts: 1 });
  });

  test("28, 36: a drain ends waits, streams and watches; settling goes on", async () => {
    const world = testEngine();
    const { queues } = world.engine;
    await put(world);
    const held = await take(world);
    await put(world);
    const stream = await queues.subscribe({ ...forever, pageSize: 5 });
    const deliveries = stream[Symbol.asyncIterator]();
    await deliveries.next();
    const next = deliveries.next();
    const watched = (await queues.watch({ queue }))[Symbol.asyncIterator]();
    await watched.next();
    const nextEvent = watched.next();
    const waiting = queues.dequeue(forever).catch((error: unknown) => error);
    await settled();
    expect(world.engine.liveLeases()).toBe(2);
    world.engine.beginDrain(5_000);
    expect(await waiting).toMatchObject({ code: "shutdown_draining" });
    expect((await next).done).toBe(true);
    expect((await nextEvent).done).toBe(true);
    await expect(take(world)).rejects.toMatchObject({ code: "shutdown_draining" });
    await expect(queues.subscribe(forever)).rejects.toMatchObject({ code: "shutdown_draining" });
    await put(world);
    await expect(queues.ack(identityOf(held))).resolves.toMatchObject({ acked: true });
    expect(world.engine.liveLeases()).toBe(1);
    expect(world.clock.scheduled).toBe(0);
  });

  test("34: what another process acknowledges opens the window within a second", async () => {
    const store = new ScriptedStore({ exclusive: false });
    const here = testEngine({ store });
    const there = testEngine({ store, clock: here.clock });
    await put(here);
    await put(here, {}, "second");
    const stream = await here.engine.queues.subscribe({ ...forever, pageSize: 1 });
    const deliveries = stream[Symbol.asyncIterator]();
    const first = await deliveries.next();
    let second: unknown;
    const next = deliveries.next().then((result) => {
      second = result.value;
    });
    await here.clock.advance(2_000);
    expect(second).toBeUndefined();
    await there.engine.queues.ack(identityOf(first.value));
    await here.clock.advance(1_000);
    await next;
    expect(second).toMatchObject({ attempts: 1, payloadBytes: 6 });
    await stream.close();
  });

  test("a quiet engine keeps no timers, whoever waited", async () => {
    const world = testEngine();
    const leaving = new AbortController();
    const { signal } = leaving;
    const waiting = world.engine.queues.dequeue(forever, { signal }).catch(() => "gone");
    await put(world, { delaySeconds: 50 });
    await settled();
    expect(world.clock.scheduled).toBeGreaterThan(0);
    leaving.abort(new Error("left"));
    expect(await waiting).toBe("gone");
    expect(world.clock.scheduled).toBe(0);
  });
});

describe("unknown outcomes", () => {
  const script = (store: ScriptedStore, kind: "lose-answer" | "lose-request" | "land-late"): void =>
    void store.scripts.push({ kind });

  test("an enqueue whose answer was lost is found, one that was lost is reported", async () => {
    const world = testEngine();
    script(world.store, "lose-answer");
    const { messageId } = await put(world);
    expect((await take(world)).messageId).toBe(messageId);
    script(world.store, "lose-request");
    const lost = put(world).catch((error: unknown) => error);
    await world.clock.advance(5_000);
    expect(await lost).toMatchObject({ code: "store_unavailable", outcomeUnknown: true });
  });

  test("a large payload survives as long as its record may be there", async () => {
    const world = testEngine();
    const large = "x".repeat(20_000);
    script(world.store, "land-late");
    const late = put(world, {}, large).catch((error: unknown) => error);
    await world.clock.advance(5_000);
    expect(await late).toMatchObject({ outcomeUnknown: true });
    // The next write lets it land.
    await put(world, { delaySeconds: 60 });
    const delivery = await take(world);
    expect(delivery.payloadBytes).toBe(20_000);
    expect(world.store.streams.size).toBe(1);
  });

  test.each(["lose-answer", "lose-request"] as const)(
    "a dequeue whose write is %s",
    async (kind) => {
      const world = testEngine();
      const { messageId } = await put(world);
      script(world.store, kind);
      const delivery = await take(world);
      expect(delivery).toMatchObject({ messageId, attempts: 1, fencingToken: 1 });
      script(world.store, kind);
      await expect(world.engine.queues.ack(identityOf(delivery))).resolves.toMatchObject({
        acked: true,
      });
      await expect(take(world)).rejects.toMatchObject({ code: "waiting" });
    },
  );

  test("an ack is not claimed when somebody else may have made it", async () => {
    const slow = testEngine({ store: new ScriptedStore({ exclusive: false }) });
    await put(slow, { visibilityTimeoutSeconds: 1 });
    const delivery = await take(slow);
    // The answer is lost, and by the time it is looked for the lease is over.
    slow.store.scripts.push({ kind: "lose-answer" });
    const acking = slow.engine.queues.ack(identityOf(delivery)).catch((error: unknown) => error);
    const { get } = slow.store;
    slow.store.get = async (name) => {
      await slow.clock.advance(1_500);
      slow.store.get = get;
      return get.call(slow.store, name);
    };
    expect(await acking).toMatchObject({ outcomeUnknown: true });
  });
});

describe("damage", () => {
  test("a message without its payload does not hold up the others", async () => {
    const world = testEngine();
    await put(world, {}, "x".repeat(20_000));
    await put(world, {}, "good");
    world.store.streams.clear();
    const delivery = await take(world);
    expect(Buffer.from(delivery.payload as Uint8Array).toString()).toBe("good");
    await expect(take(world)).rejects.toMatchObject({ code: "waiting" });
  });

  test("nor does a damaged record", async () => {
    const world = testEngine();
    const { messageId } = await put(world);
    const name = `m/default/${queue}/${messageId}`;
    const stored = world.store.objects.get(name);
    if (stored === undefined) throw new Error("not stored");
    world.store.objects.set(name, { ...stored, bytes: stored.bytes.slice(0, -1) });
    await put(world, {}, "good");
    const next = testEngine({ store: world.store });
    const [delivery] = await next.engine.queues.dequeue(nowhere);
    expect(Buffer.from(delivery?.payload as Uint8Array).toString()).toBe("good");
    const stats = await next.engine.queues.stats({ queue });
    expect(stats.available).toBe(false);
  });

  test("storage errors end in waiting, and lose nothing", async () => {
    const world = testEngine();
    const { messageId } = await put(world);
    const failure = new StoreFailure("unavailable", "not now");
    for (let at = 0; at < 20; at += 1) world.store.scripts.push({ kind: "fail", failure });
    const refused = world.engine.queues.dequeue({ ...nowhere, waitSeconds: 3 });
    const outcome = refused.catch((error: unknown) => error);
    await world.clock.advance(5_000);
    expect(await outcome).toMatchObject({ code: "waiting" });
    world.store.scripts.length = 0;
    expect(await take(world)).toMatchObject({ messageId, attempts: 1 });
  });
});

describe("sweeping", () => {
  const day = 24 * 3_600_000;
  const everything = { opsMax: 1_000, signal: undefined };

  test("what nobody asks for any more goes, what is needed stays", async () => {
    const world = testEngine();
    await put(world, { ttlSeconds: 1 });
    await put(world, { dedupeKey: "k", dedupeWindowSeconds: 10, group: "g" });
    await put(world, {}, "x".repeat(20_000));
    world.store.streams.set(
      `p/default/${queue}/00000000-0000-7000-8000-0000000000ff`,
      Buffer.from("x"),
    );
    await world.clock.advance(10_000 + dedupeKeyGraceMs);
    await world.engine.sweep(everything);
    const kinds = (): string[] => [...world.store.objects.keys()].map((name) => name.slice(0, 2));
    expect(kinds().sort()).toEqual(["g/", "m/", "m/"]);
    expect(world.store.streams.size).toBe(2);
    for (let at = 0; at < 2; at += 1) {
      await world.clock.advance(day);
      expect(await world.engine.sweep(everything)).toMatchObject({ complete: true });
    }
    expect(world.store.streams.size).toBe(1);
    const page = await world.engine.queues.dequeue({ ...nowhere, pageSize: 5 });
    expect(page).toHaveLength(2);
    await Promise.all(page.map((delivery) => world.engine.queues.ack(identityOf(delivery))));
    await world.clock.advance(day);
    await world.engine.sweep(everything);
    expect(kinds()).toEqual([]);
  });

  test("a small budget goes on where it stopped", async () => {
    const world = testEngine();
    for (let at = 0; at < 10; at += 1) await put(world, { ttlSeconds: 1 });
    await world.clock.advance(5_000);
    let sweeps = 0;
    for (let complete = false; !complete; sweeps += 1) {
      complete = (await world.engine.sweep({ opsMax: 3, signal: undefined })).complete;
    }
    expect(sweeps).toBeGreaterThan(2);
    expect(world.store.objects.size).toBe(0);
  });

  test("what is damaged is told of and left; what stands behind it is swept", async () => {
    const warned: unknown[] = [];
    const warn = (_sys: string, event: string, fields?: object): unknown =>
      warned.push({ event, ...fields });
    const world = testEngine({ telemetry: { ...silentTelemetry, warn } });
    const { engine, store, clock } = world;
    await engine.acquire({ key: "z", owner: "w", ttlSeconds: 1 });
    await put(world, { ttlSeconds: 1 });
    await put(world, { dedupeKey: "k", dedupeWindowSeconds: 1 });
    const damaged = [
      "k/default/a",
      `m/default/${queue}/0`,
      `d/default/${queue}/0`,
      `g/default/${queue}/0`,
    ];
    for (const name of damaged) {
      store.objects.set(name, { bytes: Buffer.from("rubbish"), tag: name as VersionTag });
    }
    // Its key cannot be read: whether it still is needed nobody knows.
    store.streams.set("b/default/a/1", Buffer.from("x"));
    for (let run = 0; run < 3; run += 1) {
      await clock.advance(day);
      expect(await engine.sweep(everything)).toMatchObject({ complete: true });
    }
    for (const name of damaged) expect(store.objects.has(name)).toBe(true);
    expect(store.streams.has("b/default/a/1")).toBe(true);
    expect(warned).toContainEqual(
      expect.objectContaining({ event: "sweeper.damaged", name: "k/default/a" }),
    );
    const left = [...store.objects.keys()].filter((name) => !damaged.includes(name));
    expect(left.map((name) => name.slice(0, 2)).sort()).toEqual(["k/", "m/"]);
    expect((await engine.describe({ key: "z" })).leaseId).toBeUndefined();
  });

  test("a message whose commit was given up appears when what was in its way is gone", async () => {
    const world = testEngine({ transactions: { retentionSeconds: 100 } });
    const { engine, store, clock } = world;
    const txnId = "00000000000000000tg0";
    await put(world, { group: "g" }, "before");
    await put(world, { group: "g", txnId }, "sent");
    const [name = "", group] = [...store.objects].find(([one]) => one.startsWith("g/")) ?? [];
    if (group === undefined) throw new Error("there is no record of the group");
    store.objects.set(name, { ...group, bytes: Buffer.from("rubbish") });
    await expect(put(world, { group: "g" })).rejects.toMatchObject({ code: "store_corrupt" });
    const commit = engine.transactions.decide({ txnId, state: "commit" });
    const refused = expect(commit).rejects.toMatchObject({ code: "store_corrupt" });
    await clock.advance(101_000);
    await refused;
    const swept = engine.sweep(everything);
    await clock.advance(1_000);
    await swept;
    expect(engine.meter.total("txn.abandoned", "commit")).toBe(1);
    store.objects.set(name, group);
    await engine.sweep(everything);
    const texts: string[] = [];
    for (let at = 0; at < 2; at += 1) {
      const delivery = await take(world);
      texts.push(Buffer.from(delivery.payload as Uint8Array).toString());
      await engine.queues.ack(identityOf(delivery));
    }
    expect(texts).toEqual(["before", "sent"]);
  });
});
