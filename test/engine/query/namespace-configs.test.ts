/** Writes of a configuration whose outcome is not told. */
import { describe, expect, test } from "vitest";
import { systemRandom } from "../../../src/host/random.ts";
import { testEngine } from "../../support/test-engine.ts";

const scan = { query: { preferredEngine: "scan" } };

describe("a configuration", () => {
  test("whose answer was lost is found to have been written, once", async () => {
    const { engine, store } = testEngine();
    store.scripts.push({ kind: "lose-answer" });
    const written = await engine.queries.setNamespaceConfig(scan);
    expect(store.applies).toBe(1);
    expect(await engine.queries.namespaceConfig({})).toEqual(written);
  });

  test("whose request was lost is written again", async () => {
    const { engine, store } = testEngine();
    store.scripts.push({ kind: "lose-request" });
    await engine.queries.setNamespaceConfig(scan);
    expect(store.applies).toBe(2);
  });

  test("that lands late, after it was written again, is one configuration", async () => {
    const { engine, store } = testEngine();
    store.scripts.push({ kind: "land-late" });
    const written = await engine.queries.setNamespaceConfig(scan);
    expect(await engine.queries.namespaceConfig({})).toEqual(written);
  });

  test("with a condition, lost and replaced by a rival: nobody can know", async () => {
    const { engine, store } = testEngine();
    const rival = testEngine({ store, random: systemRandom() }).engine;
    const { etag } = await engine.queries.setNamespaceConfig(scan);
    store.scripts.push({ kind: "lose-answer" });
    const get = store.get.bind(store);
    let reads = 0;
    store.get = async (name) => {
      reads += 1;
      if (reads === 2)
        await rival.queries.setNamespaceConfig({ query: { fallbackEngine: "scan" } });
      return get(name);
    };
    const change = engine.queries.setNamespaceConfig({ ...scan, ifMatch: etag });
    await expect(change).rejects.toMatchObject({ code: "store_unavailable", outcomeUnknown: true });
  });

  test("without a condition goes on top of a rival's", async () => {
    const { engine, store } = testEngine();
    const rival = testEngine({ store, random: systemRandom() }).engine;
    store.scripts.push({
      kind: "after",
      rival: () => rival.queries.setNamespaceConfig({ query: { fallbackEngine: "scan" } }),
    });
    const written = await engine.queries.setNamespaceConfig(scan);
    expect(written).toMatchObject({ preferredEngine: "scan", fallbackEngine: "scan" });
  });

  test("68: of another node holds within 250 ms, and is not read more often", async () => {
    const { engine, store, clock } = testEngine({ queryEngineDefault: "scan" });
    const other = testEngine({ store }).engine;
    await engine.queries.keys({});
    await other.queries.setNamespaceConfig({ query: { preferredEngine: "index" } });
    const { gets } = store;
    await engine.queries.keys({});
    expect(store.gets).toBe(gets);
    await clock.advance(250);
    const refused = engine.queries.keys({});
    await expect(refused).rejects.toMatchObject({ code: "query_engine_unavailable" });
  });

  test("damaged or of a later format is refused, not overwritten", async () => {
    for (const text of ["{", '{"v":2}', '{"v":1,"etag":"x","preferredEngine":"tree"}']) {
      const { engine, store } = testEngine();
      await store.apply([
        { kind: "put", name: "n/default", bytes: Buffer.from(text), when: { kind: "any" } },
      ]);
      const corrupt = { code: "store_corrupt" };
      await expect(engine.queries.keys({})).rejects.toMatchObject(corrupt);
      await expect(engine.queries.setNamespaceConfig(scan)).rejects.toMatchObject(corrupt);
      expect(store.objects.get("n/default")?.bytes.toString()).toBe(text);
    }
  });

  test("the default prefers an index where there is one", async () => {
    const { engine, store } = testEngine();
    expect(await engine.queries.namespaceConfig({})).toMatchObject({ preferredEngine: "scan" });
    const { NaiveIndex } = await import("../../support/naive-index.ts");
    const index = new NaiveIndex(store);
    const indexed = testEngine({ store, index }).engine;
    expect(await indexed.queries.namespaceConfig({})).toMatchObject({ preferredEngine: "index" });
    const memory = testEngine({ store, index, queryEngineDefault: "scan" }).engine;
    expect(await memory.queries.namespaceConfig({})).toMatchObject({ preferredEngine: "scan" });
  });
});
