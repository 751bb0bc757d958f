/** An engine tells its index what it commits, and nothing else. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Engine } from "../../../../src/engine/engine.ts";
import { silentTelemetry } from "../../../../src/engine/ports/telemetry.ts";
import { checkSelector } from "../../../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../../../src/lql/selector/parse-selector.ts";
import { countingRandom } from "../../../support/test-engine.ts";
import { IndexedStore } from "./indexed-store.ts";

let indexed: IndexedStore;
let engine: Engine;
beforeEach(() => {
  indexed = IndexedStore.inMemory();
  engine = new Engine({
    store: indexed.store,
    clock: indexed.clock,
    random: countingRandom(),
    telemetry: silentTelemetry,
    index: indexed.index,
    defaultNamespace: "default",
    jsonBytesMax: 1_000_000,
    defaultTtlSeconds: 30,
    maxTtlSeconds: 1800,
    acquireBlockSeconds: 60,
  });
});
afterEach(() => engine.close());

type Act = "keep" | "remove" | "hide" | { readonly state: string };

async function underLease(key: string, act: Act, rollback = false): Promise<void> {
  const { leaseId, txnId, fencingToken } = await engine.acquire({ key, owner: "o" });
  const lease = { key, leaseId, txnId, fencingToken };
  if (act === "remove") await engine.remove(lease);
  else if (act === "hide") await engine.updateMetadata({ ...lease, queryHidden: true });
  else if (act !== "keep") await engine.update(lease, Buffer.from(act.state));
  await engine.release({ ...lease, rollback });
}

const pending = async () => (await indexed.index.status("default")).pending;
const found = (text: string) => indexed.candidates("default", checkSelector(parseSelector(text)));

test("commits, removals and hiding are noted; leases and rollbacks are not", async () => {
  await underLease("one", "keep");
  await underLease("one", { state: '{"a":1}' }, true);
  expect(await pending()).toBe(0);
  await underLease("one", { state: '{"a":1}' });
  await underLease("two", { state: '{"a":2}' });
  expect(await pending()).toBe(2);
  await indexed.index.flush("default");
  expect(await pending()).toBe(0);
  expect(await found("/a>=1")).toEqual(["one", "two"]);
  await underLease("one", "hide");
  await underLease("two", "remove");
  expect(await pending()).toBe(2);
  await indexed.index.flush("default");
  expect(await found("/a>=1")).toEqual([]);
});

test("what is staged is never in the index", async () => {
  const { leaseId, txnId, fencingToken } = await engine.acquire({ key: "k", owner: "o" });
  const lease = { key: "k", leaseId, txnId, fencingToken };
  await engine.update(lease, Buffer.from('{"a":1}'));
  await indexed.index.flush("default");
  expect(await found("/a=1")).toEqual([]);
  await engine.release(lease);
  await indexed.index.flush("default");
  expect(await found("/a=1")).toEqual(["k"]);
});

test("an index that fails stops no commit", async () => {
  const broken = { ...indexed.store.capabilities, changes: false };
  Object.defineProperty(indexed.store, "capabilities", { value: broken });
  Object.defineProperty(indexed.store, "changesSince", { value: undefined });
  await underLease("one", { state: '{"a":1}' });
  await expect(indexed.index.flush("default")).rejects.toMatchObject({
    code: "index_unavailable",
  });
  expect((await engine.get({ key: "one", public: true })).exists).toBe(true);
});
