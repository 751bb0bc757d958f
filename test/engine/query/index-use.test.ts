/** Queries, flushes and rebuilds over an index that is as simple as can be. */
import { describe, expect, test } from "vitest";
import { NaiveIndex } from "../../support/naive-index.ts";
import { ScriptedStore } from "../../support/scripted-store.ts";
import { testEngine } from "../../support/test-engine.ts";

function indexedEngine() {
  const store = new ScriptedStore();
  const index = new NaiveIndex(store);
  const fixture = testEngine({ store, index });
  const commit = async (key: string, value: unknown, namespace = "default"): Promise<void> => {
    const request = { namespace, key, owner: "w", blockSeconds: -1 };
    const { leaseId, txnId, fencingToken } = await fixture.engine.acquire(request);
    const lease = { namespace, key, leaseId, txnId, fencingToken };
    const body = Buffer.from(JSON.stringify(value));
    await fixture.engine.update({ ...lease, release: "commit" }, body);
  };
  return { ...fixture, store, index, commit };
}

describe("an index query", () => {
  test("believes the documents, not the index", async () => {
    const { engine, index, commit } = indexedEngine();
    for (const n of [1, 2, 3]) await commit(`k${n}`, { n });
    await index.flush("default");
    await commit("k1", { n: 9 });
    const selector = { range: { field: "/n", lt: 3 } };
    const result = await engine.queries.keys({ selector });
    expect(result).toMatchObject({ keys: ["k2"], indexSeq: 1, cursor: undefined });
    expect(result.metadata).toMatchObject({
      engine: "index",
      index_pending: "false",
      query_candidates_seen: "3",
      query_candidates_matched: "1",
    });
    expect(result.metadata).not.toHaveProperty("index_updated_at");
  });

  test("60: flushes first when it is asked to, and tells how the index stands", async () => {
    const { engine, index, commit } = indexedEngine();
    await commit("a", {});
    index.pending = 3;
    index.updatedAtMs = 1_700_000_000_000;
    expect((await engine.queries.keys({})).keys).toEqual([]);
    const found = await engine.queries.keys({ refresh: "wait_for" });
    expect(found).toMatchObject({ keys: ["a"], indexSeq: 1 });
    expect(found.metadata).toMatchObject({
      index_pending: "true",
      index_updated_at: "2023-11-14T22:13:20.000Z",
    });
    expect(index.calls).toEqual(["candidates -", "flush", "candidates -"]);
  });

  test("pages by its own cursors; the walk asks for more only when it needs more", async () => {
    const { engine, index, commit } = indexedEngine();
    const keys = Array.from({ length: 300 }, (_, n) => `k${String(n).padStart(3, "0")}`);
    for (const key of keys) await commit(key, {});
    await index.flush("default");
    index.calls.length = 0;
    const first = await engine.queries.keys({ limit: 3 });
    expect(first.cursor).toBe(`indexv1:${Buffer.from("k002").toString("base64url")}`);
    expect(index.calls).toEqual(["candidates -"]);
    const rest = await engine.queries.keys({ limit: 1000, cursor: first.cursor });
    expect([...first.keys, ...rest.keys]).toEqual(keys);
    expect(rest.cursor).toBeUndefined();
  });

  test("reads its candidates many at a time, at first as many as can be shown", async () => {
    const { engine, store, index, commit } = indexedEngine();
    for (let n = 0; n < 300; n += 1) await commit(`k${n}`, { n });
    await index.flush("default");
    await engine.queries.keys({ limit: 1 });
    const asked: number[] = [];
    const { getMany } = store;
    store.getMany = (names) => {
      asked.push(names.length);
      return getMany.call(store, names);
    };
    store.gets = 0;
    expect((await engine.queries.keys({ limit: 20 })).keys).toHaveLength(20);
    expect((await engine.queries.keys({ selector: { exists: "/no" }, limit: 20 })).keys).toEqual(
      [],
    );
    expect(store.gets).toBe(asked.length);
    expect(asked).toEqual([21, 21, 107, 128, 44]);
  });

  test("reads again what it read too long ago, but does not look it up again", async () => {
    const { clock, engine, index, commit } = indexedEngine();
    for (const key of ["a", "b", "c"]) await commit(key, { n: 1 });
    await index.flush("default");
    index.calls.length = 0;
    const selector = { eq: { field: "/n", value: 1 } };
    const rows = (await engine.queries.documents({ selector }))[Symbol.asyncIterator]();
    expect((await rows.next()).value).toMatchObject({ key: "a" });
    await commit("b", { n: 2 });
    await clock.advance(251);
    const next = rows.next();
    await clock.advance(0);
    expect((await next).value).toMatchObject({ key: "c" });
    expect((await rows.next()).done).toBe(true);
    expect(index.calls).toEqual(["candidates -"]);
  });
});

describe("a flush", () => {
  test("61: that is waited for tells the sequence", async () => {
    const { engine } = indexedEngine();
    expect(await engine.queries.flushIndex({ mode: "Sync" })).toEqual({
      namespace: "default",
      mode: "wait",
      flushed: true,
      pending: false,
      indexSeq: 1,
      flushId: undefined,
    });
  });

  test("62: in the background keeps its id while it runs; at most eight namespaces", async () => {
    const { engine, index } = indexedEngine();
    const gate = Promise.withResolvers<void>();
    index.onFlush = () => gate.promise;
    const flush = (namespace: string) => engine.queries.flushIndex({ namespace, mode: "async" });
    const first = await flush("n0");
    expect(first).toMatchObject({ mode: "async", flushed: false, indexSeq: undefined });
    expect((await flush("n0")).flushId).toBe(first.flushId);
    for (let n = 1; n < 8; n += 1) await flush(`n${n}`);
    await expect(flush("n8")).rejects.toMatchObject({ code: "index_flush_busy", status: 409 });
    expect((await flush("n7")).flushId).toBeTruthy();
    gate.resolve();
    await expect.poll(() => index.seq).toBe(8);
    const later = await flush("n0");
    expect(later.flushId).not.toBe(first.flushId);
    await flush("n8");
  });

  test("in the background ends after two minutes, or with the engine", async () => {
    const { engine, index, clock } = indexedEngine();
    const reasons: unknown[] = [];
    index.onFlush = (_namespace, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => {
          reasons.push(signal.reason);
          reject(signal.reason);
        });
      });
    await engine.queries.flushIndex({ mode: "async" });
    await clock.advance(119_999);
    expect(reasons).toEqual([]);
    await clock.advance(1);
    expect(reasons).toMatchObject([{ code: "timeout" }]);
    await engine.queries.flushIndex({ mode: "async" });
    await engine.close();
    expect(reasons).toHaveLength(2);
  });

  test("is refused where there is no index, after the request was found to be right", async () => {
    const { engine } = testEngine();
    const later = engine.queries.flushIndex({ mode: "later" });
    await expect(later).rejects.toMatchObject({ code: "invalid_mode" });
    const flush = engine.queries.flushIndex({});
    await expect(flush).rejects.toMatchObject({ code: "index_unavailable", status: 501 });
    const rebuild = engine.rebuildIndex("default", { cleanup: true, cleanupDelayMs: 0 });
    await expect(rebuild).rejects.toMatchObject({ code: "index_unavailable" });
  });
});

test("namespaces are found by their keys, sorted", async () => {
  const { engine, commit } = indexedEngine();
  expect(await engine.namespaces()).toEqual([]);
  for (const namespace of ["b", "a-b", "a", "a.b", "zz"]) {
    for (const key of ["k", "z/z", "0"]) await commit(key, {}, namespace);
  }
  expect(await engine.namespaces()).toEqual(["a", "a-b", "a.b", "b", "zz"]);
  const rebuilt = await engine.rebuildIndex(" A ", { cleanup: true, cleanupDelayMs: 0 });
  expect(rebuilt).toEqual({ namespace: "a", seq: 1, rebuilt: true });
});
