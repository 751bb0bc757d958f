/** Mutate under rivals, lost answers and limits. */
import { describe, expect, test } from "vitest";
import type { AcquireResult } from "../../src/api/lockd.ts";
import { garbageDelayMs, mutateAttemptsMax } from "../../src/engine/limits.ts";
import { ScriptedStore } from "../support/scripted-store.ts";
import { testEngine } from "../support/test-engine.ts";

function addressOf(lease: AcquireResult) {
  const { key, leaseId, txnId, fencingToken } = lease;
  return { key, leaseId, txnId, fencingToken };
}

async function held(store = new ScriptedStore(), options: { jsonBytesMax?: number } = {}) {
  const opened = testEngine({ store, ...options });
  const { engine } = opened;
  const lease = addressOf(await engine.acquire({ key: "k", owner: "w", ttlSeconds: 30 }));
  const read = async (): Promise<string> => {
    const chunks: Uint8Array[] = [];
    const { body } = await engine.get(lease);
    if (body instanceof Uint8Array) return Buffer.from(body).toString();
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  return { ...opened, lease, read };
}

/** Above what a record holds, so that it lives in an object. */
const big = (n: number): Uint8Array => Buffer.from(`{"n":${n},"x":"${"x".repeat(20_000)}"}`);

describe.each([
  ["exclusive store", true],
  ["shared store", false],
])("on an %s", (_name, exclusive) => {
  test.each([1, 20_000])("a rival under the same lease is seen (%d bytes)", async (size) => {
    const { engine, store, lease, read } = await held(new ScriptedStore({ exclusive }));
    const state = (n: number) => Buffer.from(`{"n":${n},"x":"${"x".repeat(size)}"}`);
    await engine.update(lease, state(1));
    const rival = exclusive ? engine : testEngine({ store }).engine;
    // The rival's write comes after our reading and before our writing.
    if (exclusive) {
      const mutated = engine.mutate({ ...lease, mutations: ["/n++"] });
      await engine.update(lease, state(100));
      await mutated;
    } else {
      const rivals = async () => await rival.update(lease, state(100));
      store.scripts.push({ kind: "after", rival: rivals });
      await engine.mutate({ ...lease, mutations: ["/n++"] });
    }
    const text = await read();
    // Whichever came first, no step is lost and none is made of what was not there.
    expect(["101", "100"]).toContain(/"n":(\d+)/.exec(text)?.[1]);
    if (!exclusive) expect(text).toContain('"n":101');
  });

  test("a lost answer is found out: the step counts once", async () => {
    const { engine, store, lease, read } = await held(new ScriptedStore({ exclusive }));
    await engine.update(lease, Buffer.from('{"n":1}'));
    for (const kind of ["lose-answer", "lose-request", "land-late"] as const) {
      store.scripts.push({ kind });
      await engine.mutate({ ...lease, mutations: ["/n++"] });
    }
    expect(await read()).toBe('{"n":4}');
  });
});

test("a step that landed unheard and was written over is not made again", async () => {
  const { engine, store, lease, read } = await held(new ScriptedStore({ exclusive: false }));
  const rival = testEngine({ store }).engine;
  await engine.update(lease, Buffer.from('{"n":1}'));
  const apply = store.apply.bind(store);
  store.apply = async (plan) => {
    store.apply = apply;
    await apply(plan);
    // The same holder renews its lease through another node: our write id is gone from the record.
    await rival.keepAlive({ ...lease, ttlSeconds: 60 });
    return { kind: "unknown", cause: new Error("no answer") };
  };
  const mutated = engine.mutate({ ...lease, mutations: ["/n++"] });
  await expect(mutated).rejects.toMatchObject({ code: "store_unavailable", outcomeUnknown: true });
  expect(await read()).toBe('{"n":2}');
});

test("a rival that never stops is told as a conflict", async () => {
  const { engine, store, lease } = await held(new ScriptedStore({ exclusive: false }));
  const { engine: rival } = testEngine({ store });
  let n = 0;
  const again = (): void => {
    store.scripts.push({
      kind: "after",
      rival: async () => {
        n += 1;
        await rival.update(lease, Buffer.from(`{"n":${n}}`));
        if (n < mutateAttemptsMax) again();
      },
    });
  };
  again();
  const refused = engine.mutate({ ...lease, mutations: ["/n++"] });
  await expect(refused).rejects.toMatchObject({ code: "cas_mismatch" });
  expect(n).toBe(mutateAttemptsMax);
});

test("no object is left of what failed or was overtaken", async () => {
  const { engine, store, clock, lease } = await held();
  await engine.update(lease, big(1));
  await engine.mutate({ ...lease, mutations: ["/n++"] });
  const bad = [
    { ...lease, mutations: ["/n++", "/x++"] },
    { ...lease, mutations: ["/n++"], ifStateEtag: "stale" },
    { ...lease, mutations: ["/n++"], fencingToken: 9 },
  ];
  for (const request of bad) await expect(engine.mutate(request)).rejects.toThrow();
  await clock.advance(garbageDelayMs * 3);
  expect(store.streams.size).toBe(1);
});

test("beyond json-max it is document_too_large, in and out", async () => {
  const { engine, lease, read } = await held(undefined, { jsonBytesMax: 30_000 });
  await engine.update(lease, big(1));
  const before = await read();
  for (const value of ["y".repeat(10_000), "y".repeat(40_000)]) {
    const refused = engine.mutate({ ...lease, mutations: [`/y=${value}`] });
    await expect(refused).rejects.toMatchObject({ code: "document_too_large", status: 413 });
  }
  expect(await read()).toBe(before);
});

test("a small result beyond a small json-max is refused as well", async () => {
  const { engine, lease } = await held(undefined, { jsonBytesMax: 20 });
  await engine.update(lease, Buffer.from('{"n":1}'));
  const refused = engine.mutate({ ...lease, mutations: ["/y=aaaaaaaaaaaaaaaa"] });
  await expect(refused).rejects.toMatchObject({ code: "document_too_large" });
});

test("staged bytes that the store lost are told as such", async () => {
  const { engine, store, lease } = await held();
  await engine.update(lease, big(1));
  store.streams.clear();
  const refused = engine.mutate({ ...lease, mutations: ["/n++"] });
  await expect(refused).rejects.toMatchObject({ code: "staged_state_missing", status: 404 });
});

test("NOW is the engine's clock", async () => {
  const { engine, clock, lease, read } = await held();
  await engine.mutate({ ...lease, mutations: ["time:/t=NOW"] });
  expect(JSON.parse(await read()).t).toBe(
    new Date(clock.wallMs()).toISOString().replace(/\.?0*Z$/, "Z"),
  );
});

test("a lease that runs out in between stages nothing", async () => {
  const { engine, clock, lease } = await held();
  await clock.advance(31_000);
  const refused = engine.mutate({ ...lease, mutations: ["/n++"] });
  await expect(refused).rejects.toMatchObject({ code: "lease_expired" });
  const again = engine.mutate({ ...lease, mutations: ["/n++"] });
  await expect(again).rejects.toMatchObject({ code: "lease_required" });
});

test("a caller who went away changes nothing", async () => {
  const { engine, lease, read } = await held();
  const large = Buffer.from(`{"n":1,"x":"${"x".repeat(100_000)}"}`);
  await engine.update(lease, large);
  const reason = new Error("gone");
  const refused = engine.mutate(
    { ...lease, mutations: ["/n++"] },
    { signal: AbortSignal.abort(reason) },
  );
  await expect(refused).rejects.toBe(reason);
  expect(await read()).toBe(large.toString());
});
