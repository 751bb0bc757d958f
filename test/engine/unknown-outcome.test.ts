/** Writes whose outcome the store cannot tell, and writers that get in between. */
import { describe, expect, test } from "vitest";
import type { AcquireResult } from "../../src/api/lockd.ts";
import { Engine } from "../../src/engine/engine.ts";
import { StoreFailure } from "../../src/engine/ports/store.ts";
import { silentTelemetry } from "../../src/engine/ports/telemetry.ts";
import { ScriptedStore } from "../support/scripted-store.ts";
import { countingRandom, testEngine } from "../support/test-engine.ts";

const noWait = { owner: "w", blockSeconds: -1, ttlSeconds: 30 };

function addressOf(lease: AcquireResult) {
  const { key, leaseId, txnId, fencingToken } = lease;
  return { key, leaseId, txnId, fencingToken };
}

describe.each([
  ["exclusive store", true],
  ["shared store", false],
])("unknown outcome on an %s", (_name, exclusive) => {
  const open = () => testEngine({ store: new ScriptedStore({ exclusive }) });

  test("a grant that was written is found and answered once", async () => {
    const { engine, store } = open();
    store.scripts.push({ kind: "lose-answer" });
    const lease = await engine.acquire({ key: "k", ...noWait });
    expect(lease.fencingToken).toBe(1);
    await expect(engine.keepAlive(addressOf(lease))).resolves.toMatchObject({ fencingToken: 1 });
    expect((await engine.status({ key: "k" })).fencingToken).toBe(1);
  });

  test("a grant that was not written is written again", async () => {
    const { engine, store } = open();
    store.scripts.push({ kind: "lose-request" });
    const lease = await engine.acquire({ key: "k", ...noWait });
    expect(lease.fencingToken).toBe(1);
    expect(store.applies).toBe(2);
  });

  test("a write that lands while the second try is under way counts once", async () => {
    const { engine, store } = open();
    store.scripts.push({ kind: "land-late" });
    const lease = await engine.acquire({ key: "k", ...noWait });
    expect(lease.fencingToken).toBe(1);
    const status = await engine.status({ key: "k" });
    expect(status.leaseId).toBe(lease.leaseId);
    expect(status.fencingToken).toBe(1);
  });

  test("an update whose answer was lost is staged once and commits", async () => {
    const { engine, store } = open();
    const lease = await engine.acquire({ key: "k", ...noWait });
    store.scripts.push({ kind: "lose-answer" });
    const updated = await engine.update(
      { ...addressOf(lease), ifVersion: 0 },
      Buffer.from('{"n":1}'),
    );
    expect(updated.newVersion).toBe(1);
    store.scripts.push({ kind: "lose-answer" });
    await engine.release(addressOf(lease));
    const state = await engine.get({ key: "k", public: true });
    expect(state).toMatchObject({ version: 1, etag: updated.newStateEtag });
  });

  test("a store that never tells ends in an error that says so", async () => {
    const { engine, store } = open();
    for (let turn = 0; turn < 100; turn += 1) store.scripts.push({ kind: "lose-request" });
    await expect(engine.acquire({ key: "k", ...noWait })).rejects.toMatchObject({
      code: "store_unavailable",
      outcomeUnknown: true,
    });
  });
});

describe("other writers", () => {
  test("a rival that is faster wins; the loser decides again inside its own write", async () => {
    const store = new ScriptedStore({ exclusive: false });
    const { engine, clock } = testEngine({ store });
    const random = countingRandom();
    const rival = new Engine({
      store,
      clock,
      random: { ...random, xid: () => `v${random.xid().slice(1)}` },
      telemetry: silentTelemetry,
      defaultNamespace: "default",
      jsonBytesMax: 1000,
      defaultTtlSeconds: 30,
      maxTtlSeconds: 1800,
      acquireBlockSeconds: 60,
    });
    store.scripts.push({ kind: "after", rival: () => rival.acquire({ key: "k", ...noWait }) });
    await expect(engine.acquire({ key: "k", ...noWait })).rejects.toMatchObject({
      code: "waiting",
    });
    expect((await engine.status({ key: "k" })).fencingToken).toBe(1);
  });
});

describe("failures that certainly changed nothing", () => {
  test.each([
    ["full", "store_full"],
    ["read_only", "store_read_only"],
    ["failed", "store_failed"],
    ["owned", "store_owned"],
    ["unavailable", "store_unavailable"],
  ] as const)("%s is answered as %s and the record stays as it was", async (kind, code) => {
    const { engine, store } = testEngine();
    const lease = await engine.acquire({ key: "k", ...noWait });
    store.scripts.push({ kind: "fail", failure: new StoreFailure(kind, "no") });
    await expect(engine.update(addressOf(lease), Buffer.from("{}"))).rejects.toMatchObject({
      code,
    });
    expect((await engine.status({ key: "k" })).staged).toBe(false);
    await expect(engine.release(addressOf(lease))).resolves.toEqual({ released: true });
  });

  test("a damaged record is named and never written over", async () => {
    const { engine, store } = testEngine();
    const bytes = Buffer.from("LK\u0001 garbage that is long enough");
    await store.apply([{ kind: "put", name: "k/default/k", bytes, when: { kind: "any" } }]);
    await expect(engine.acquire({ key: "k", ...noWait })).rejects.toMatchObject({
      code: "store_corrupt",
      detail: expect.stringContaining("k/default/k"),
    });
    expect(store.objects.get("k/default/k")?.bytes).toBe(bytes);
  });

  test("a record of a newer format is refused and never written over", async () => {
    const { engine, store } = testEngine();
    await engine.acquire({ key: "old", ...noWait });
    const bytes = Buffer.from(store.objects.get("k/default/old")?.bytes ?? []);
    bytes[2] = 9;
    await store.apply([{ kind: "put", name: "k/default/k", bytes, when: { kind: "any" } }]);
    await expect(engine.acquire({ key: "k", ...noWait })).rejects.toMatchObject({
      code: "store_corrupt",
      detail: expect.stringContaining("format 9 is unknown"),
    });
  });
});
