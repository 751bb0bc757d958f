/** Queries through an index (query-and-lql.md section 15, cases 50, 52, 60 to 65, 72, 73). */
import { setImmediate } from "node:timers/promises";
import { keepsAtWork } from "./eligibility-cases.ts";
import { expect, type Story, test } from "./lockd-suite.ts";
import { numbered, Shelf } from "./query-cases.ts";

/** For stores with an index. */
export function indexCases(story: Story): void {
  test("60, 61: a commit is found after refresh=wait_for, and after a flush", async () => {
    const shelf = await Shelf.indexed(story);
    await shelf.commit("a", { s: "x" });
    const waited = await shelf.query("/s=x", { refresh: "wait_for" });
    expect(waited.keys).toEqual(["a"]);
    expect(waited.metadata).toMatchObject({ engine: "index" });
    await shelf.commit("b", { s: "x" });
    const { namespace } = shelf;
    const flushed = await story.lockd.queries.flushIndex({ namespace, mode: "wait" });
    expect(flushed).toMatchObject({ namespace, mode: "wait", flushed: true, flushId: undefined });
    expect(await shelf.keys("/s=x")).toEqual(["a", "b"]);
  });

  test("62: flushes in the background", async () => {
    const shelf = await Shelf.indexed(story);
    await shelf.commit("a", { s: "x" });
    const { namespace } = shelf;
    const flush = () => story.lockd.queries.flushIndex({ namespace, mode: "async" });
    const first = await flush();
    expect(first).toMatchObject({ mode: "async", flushed: false, indexSeq: undefined });
    expect(first.flushId).toMatch(/^[0-9a-f-]{36}$/);
    await expect.poll(() => shelf.keys("/s=x"), { timeout: 20_000 }).toEqual(["a"]);
  });

  test("64: an old value stops matching when the new one starts", async () => {
    const shelf = await Shelf.indexed(story);
    await shelf.commit("k", { s: "old" });
    expect(await shelf.keys("/s=old", { refresh: "wait_for" })).toEqual(["k"]);
    await shelf.commit("k", { s: "new" });
    // Whatever the index still says, the document is what counts.
    expect(await shelf.keys("/s=old")).toEqual([]);
    expect(await shelf.keys("/s=new", { refresh: "wait_for" })).toEqual(["k"]);
    expect(await shelf.keys("/s=old")).toEqual([]);
  });

  test("65: wait_for ends while somebody keeps writing", async () => {
    const shelf = await Shelf.indexed(story);
    await shelf.commit("k", { n: 0 });
    const writing = { on: true };
    const writer = (async () => {
      for (let n = 1; writing.on; n += 1) {
        await shelf.commit("k", { n });
        // In memory a commit is microtasks only: without a turn nobody else would ever get one.
        await setImmediate();
      }
    })();
    expect(await shelf.keys("exists{/n}", { refresh: "wait_for" })).toEqual(["k"]);
    writing.on = false;
    await writer;
  });

  test("72, 73 with the index: removed and hidden keys are gone without a flush", async () => {
    const shelf = await Shelf.indexed(story);
    for (const key of ["hidden", "removed", "stays"]) await shelf.commit(key, { s: "x" });
    const all = ["hidden", "removed", "stays"];
    expect(await shelf.keys("/s=x", { refresh: "wait_for" })).toEqual(all);
    await shelf.hide("hidden", true);
    await shelf.remove("removed");
    expect(await shelf.keys("/s=x")).toEqual(["stays"]);
    expect(await shelf.keys()).toEqual(["stays"]);
  });

  test("74 with the index: messages, their states and dead letters are never shown", async () => {
    const shelf = await Shelf.indexed(story);
    await shelf.commit("doc", { n: 1 });
    await keepsAtWork(shelf);
    expect(await shelf.keys("", { refresh: "wait_for" })).toEqual(["doc"]);
    expect(await shelf.keys("/n=1")).toEqual(["doc"]);
  });

  test("50, 52 with the index: pages meet without gap or repetition", async () => {
    const shelf = await Shelf.indexed(story);
    const all = numbered(25);
    for (const key of all) await shelf.commit(key, { s: "x" });
    const first = await shelf.query("/s=x", { limit: 10, refresh: "wait_for" });
    const second = await shelf.query("/s=x", { limit: 10, cursor: first.cursor });
    const third = await shelf.query("/s=x", { limit: 10, cursor: second.cursor });
    expect([...first.keys, ...second.keys, ...third.keys]).toEqual(all);
    const foreign = shelf.query("", { cursor: "scanv1:YQ" });
    await expect(foreign).rejects.toMatchObject({ code: "invalid_cursor" });
  });
}
