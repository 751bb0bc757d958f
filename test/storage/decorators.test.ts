/** The decorators, alone and in their order. */
import { expect, test } from "vitest";
import { type Plan, StoreFailure } from "../../src/engine/ports/store.ts";
import type { RunningSpan, SpanStart, Tracing } from "../../src/engine/ports/tracing.ts";
import { FaultyStore, type StoreFault } from "../../src/storage/decorators/faulty-store.ts";
import { MeteredStore } from "../../src/storage/decorators/metered-store.ts";
import { ObservedStore, type StoreCall } from "../../src/storage/decorators/observed-store.ts";
import { RetryingStore } from "../../src/storage/decorators/retrying-store.ts";
import { tracedStoreCalls } from "../../src/storage/decorators/traced-store-calls.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { countingRandom, testEngine } from "../support/test-engine.ts";

const plan: Plan = [
  { kind: "put", name: "a", bytes: Buffer.from("1"), when: { kind: "absent" } },
  { kind: "put", name: "b", bytes: Buffer.from("22"), when: { kind: "absent" } },
];

function scripted(...faults: (StoreFault | undefined)[]) {
  const inner = new MemoryStore();
  return { inner, store: new FaultyStore(inner, () => faults.shift()) };
}

test("fault: fails before, loses the answer, loses the request, tears, waits", async () => {
  const { inner, store } = scripted({ kind: "fail", why: "full" }, { kind: "lose_request" });
  await expect(store.apply(plan)).rejects.toMatchObject({ kind: "full" });
  expect((await store.apply(plan)).kind).toBe("unknown");
  expect(await inner.get("a")).toBeUndefined();
  const torn = scripted({ kind: "tear", steps: 1 });
  expect((await torn.store.apply(plan)).kind).toBe("unknown");
  expect(await torn.inner.get("a")).toBeDefined();
  expect(await torn.inner.get("b")).toBeUndefined();
  const lost = scripted({ kind: "lose_answer" });
  expect((await lost.store.apply(plan)).kind).toBe("unknown");
  expect(await lost.inner.get("b")).toBeDefined();
  let letGo: (value?: unknown) => void = () => {};
  const until = new Promise((resolve) => {
    letGo = resolve;
  });
  const waiting = scripted({ kind: "wait", until });
  const applied = waiting.store.apply(plan);
  letGo();
  expect((await applied).kind).toBe("applied");
});

test("retry: passing failures only, so often, and never an unknown outcome", async () => {
  const clock = new ManualClock();
  const ports = { clock, random: countingRandom() };
  const busy: StoreFault = { kind: "fail", why: "unavailable" };
  const twice = new RetryingStore(scripted(busy, busy).store, ports);
  const applied = twice.apply(plan);
  await clock.advance(1_000);
  expect((await applied).kind).toBe("applied");
  const always = new RetryingStore(new FaultyStore(new MemoryStore(), () => busy), ports);
  const refused = always.get("a");
  refused.catch(() => {});
  await clock.advance(60_000);
  await expect(refused).rejects.toBeInstanceOf(StoreFailure);
  const full = new RetryingStore(scripted({ kind: "fail", why: "full" }).store, ports);
  await expect(full.apply(plan)).rejects.toMatchObject({ kind: "full" });
  const unknown = new RetryingStore(scripted({ kind: "lose_answer" }).store, ports);
  expect((await unknown.apply(plan)).kind).toBe("unknown");
});

test("meter: calls, failures, bytes and time, retries included", async () => {
  const clock = new ManualClock();
  const busy: StoreFault = { kind: "fail", why: "unavailable" };
  const retrying = new RetryingStore(scripted(busy).store, { clock, random: countingRandom() });
  const store = new MeteredStore(retrying, clock);
  const applied = store.apply(plan);
  await clock.advance(500);
  await applied;
  await store.get("b");
  await store.close();
  await expect(store.get("b")).rejects.toMatchObject({ kind: "closed" });
  expect(store.figures.apply).toMatchObject({ calls: 1, failures: 0, bytes: 3, totalMs: 75 });
  expect(store.figures.get).toMatchObject({ calls: 2, failures: 1, bytes: 2 });
});

test("observed: every read and write is gone around, reads of many included", async () => {
  const calls: StoreCall[] = [];
  const store = new ObservedStore(new MemoryStore(), (call, run) => {
    calls.push(call);
    return run();
  });
  await store.apply(plan);
  const found = await store.getMany(["b", "a", "c"]);
  expect(found.map((one) => one?.bytes.length)).toEqual([2, 1, undefined]);
  await store.getMany([]);
  await store.get("a");
  expect(calls).toEqual([
    { verb: "apply", name: "a" },
    { verb: "getMany", name: "b" },
    { verb: "getMany", name: "" },
    { verb: "get", name: "a" },
  ]);
});

test.each([
  ["k/billing/orders/1", "billing"],
  ["t/dc2n19irpqc3go6bsp70", ""],
  ["td/dc2n19irpqc3go6bsp70", ""],
  ["t", ""],
  ["", ""],
])("traced: the object %j is of namespace %j", async (name, namespace) => {
  const starts: SpanStart[] = [];
  const span = { event: () => {} } as unknown as RunningSpan;
  const tracing = {
    active: () => ({ correlationId: "c" }),
    within: (start: SpanStart, run: (within: RunningSpan) => Promise<unknown>) => {
      starts.push(start);
      return run(span);
    },
  } as unknown as Tracing;
  await tracedStoreCalls(tracing)({ verb: "get", name }, async () => {});
  expect(starts.map(({ attributes }) => attributes["lockd.storage.namespace"])).toEqual([
    namespace,
  ]);
});

test("an engine over all of them keeps its promises", async () => {
  const faults: (StoreFault | undefined)[] = [undefined, { kind: "lose_answer" }];
  const faulty = new FaultyStore(new MemoryStore(), (verb) =>
    verb === "apply" ? faults.shift() : undefined,
  );
  const { engine } = testEngine({ store: faulty as never });
  const { leaseId, txnId, fencingToken } = await engine.acquire({ key: "k", owner: "w" });
  const lease = { key: "k", leaseId, txnId, fencingToken };
  expect((await engine.update(lease, Buffer.from("{}"))).newVersion).toBe(1);
  await engine.release(lease);
  expect((await engine.get({ key: "k", public: true })).version).toBe(1);
});
