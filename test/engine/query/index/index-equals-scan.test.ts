/** The index may find too much, never too little: on every kind of index. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileSelector } from "../../../../src/lql/match/compile-selector.ts";
import { checkSelector } from "../../../../src/lql/selector/check-selector.ts";
import { documents, selectors } from "../../../lql/arbitrary-selectors.ts";
import { IndexedStore } from "./indexed-store.ts";

const kinds = {
  "mem://, segments": async () => IndexedStore.inMemory(),
  "disk://, exclusive gear": () => IndexedStore.onDisk("exclusive"),
  "disk://, shared gear": () => IndexedStore.onDisk("shared"),
};

/** Judged as a query judges; macros mean what they mean at the clock's time. */
function matches(selector: unknown, document: string, nowMs: number): boolean {
  return compileSelector(checkSelector(selector), { nowMs }).matches(Buffer.from(document));
}

for (const [name, open] of Object.entries(kinds)) {
  describe(name, () => {
    let indexed: IndexedStore;
    let spaces = 0;
    beforeAll(async () => {
      indexed = await open();
    });
    afterAll(() => indexed.close());

    test("every document that matches is a candidate, once, in order", async () => {
      const seen = { candidates: 0, documents: 0, matching: 0 };
      await fc.assert(
        fc.asyncProperty(
          fc.array(documents, { minLength: 100, maxLength: 160 }),
          fc.array(selectors, { minLength: 250, maxLength: 250 }),
          fc.integer({ min: 1, max: 100 }),
          async (texts, chosen, limit) => {
            spaces += 1;
            const namespace = `n${spaces}`;
            const nowMs = indexed.clock.wallMs();
            const keys = texts.map((_, at) => `k${(at * 7) % 120}`);
            const last = new Map<string, string>();
            for (const [at, text] of texts.entries()) {
              await indexed.put(`${namespace}:${keys[at]}`, text, { apart: at % 9 === 0 });
              last.set(keys[at] ?? "", text);
            }
            await indexed.index.flush(namespace);
            for (const json of chosen) {
              const selector = checkSelector(json);
              const found = await indexed.candidates(namespace, selector, limit);
              expect(found).toEqual([...new Set(found)].sort());
              const matcher = compileSelector(selector, { nowMs });
              for (const [key, text] of last) {
                if (!matcher.matches(Buffer.from(text))) continue;
                seen.matching += 1;
                expect({ key, text, json, found: found.includes(key) }).toMatchObject({
                  found: true,
                });
              }
              if (selector.root.kind === "all") expect(found).toHaveLength(last.size);
              expect(found.every((key) => last.has(key))).toBe(true);
              seen.candidates += found.length;
              seen.documents += last.size;
            }
          },
        ),
        // A page of many documents costs more to shrink than its key and selector to read.
        { numRuns: 4, endOnFailure: true },
      );
      // Else it would be no index, and the selectors no test.
      expect(seen.candidates).toBeLessThan(seen.documents * 0.75);
      expect(seen.matching).toBeGreaterThan(1_000);
    }, 60_000);

    test("updates, removals and hiding: as of the last flush", async () => {
      const change = fc.record({
        key: fc.integer({ min: 0, max: 5 }).map((n) => `k${n}`),
        text: fc.option(documents, { nil: undefined }),
        hidden: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(change, fc.constant("flush" as const)), { maxLength: 25 }),
          fc.array(selectors, { minLength: 4, maxLength: 4 }),
          async (steps, chosen) => {
            spaces += 1;
            const namespace = `n${spaces}`;
            const nowMs = indexed.clock.wallMs();
            const now = new Map<string, string>();
            for (const step of [...steps, "flush" as const]) {
              if (step !== "flush") {
                const { key, text, hidden } = step;
                await indexed.put(`${namespace}:${key}`, text, { hidden });
                if (text === undefined || hidden) now.delete(key);
                else now.set(key, text);
                continue;
              }
              await indexed.index.flush(namespace);
              for (const json of chosen) {
                const selector = checkSelector(json);
                const found = await indexed.candidates(namespace, selector);
                // Nothing of what is gone or hidden, and all of what matches.
                expect(found.filter((key) => !now.has(key))).toEqual([]);
                for (const [key, text] of now) {
                  if (!matches(json, text, nowMs)) continue;
                  expect({ key, text, json, found: found.includes(key) }).toMatchObject({
                    found: true,
                  });
                }
              }
            }
          },
        ),
        { numRuns: 50 },
      );
    });

    test("what changed after the flush is still found by what it was", async () => {
      await indexed.put("late:one", '{"a":"old"}');
      await indexed.index.flush("late");
      await indexed.put("late:one", '{"a":"new"}');
      const old = checkSelector({ eq: { field: "/a", value: "old" } });
      const fresh = checkSelector({ eq: { field: "/a", value: "new" } });
      expect(await indexed.candidates("late", old)).toEqual(["one"]);
      expect(await indexed.candidates("late", fresh)).toEqual([]);
      const before = await indexed.index.status("late");
      await indexed.index.flush("late");
      expect(await indexed.candidates("late", old)).toEqual([]);
      expect(await indexed.candidates("late", fresh)).toEqual(["one"]);
      expect((await indexed.index.status("late")).seq).toBeGreaterThan(before.seq);
    });
  });
}
