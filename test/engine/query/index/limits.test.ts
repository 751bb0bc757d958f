/** What is beyond a limit is found by every query, and keeps nothing else out of the index. */
import { afterEach, describe, expect, test } from "vitest";
import { silentTelemetry } from "../../../../src/engine/ports/telemetry.ts";
import {
  depthIndexedMax,
  documentBytesIndexedMax,
  memberNameUnitsMax,
  partsUnitsMax,
  pathsPerClauseMax,
  termsPerDocumentMax,
} from "../../../../src/engine/query/index/limits.ts";
import { SegmentStore } from "../../../../src/engine/query/index/segments/segment-store.ts";
import { StoreIndex } from "../../../../src/engine/query/index/store-index.ts";
import { recordName } from "../../../../src/engine/record/key-record.ts";
import { systemRandom } from "../../../../src/host/random.ts";
import { checkSelector } from "../../../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../../../src/lql/selector/parse-selector.ts";
import { IndexedStore } from "./indexed-store.ts";

const selector = (text: string) => checkSelector(parseSelector(text));
const nested = (depth: number): string => `${'{"d":'.repeat(depth)}1${"}".repeat(depth)}`;
const list = (length: number): string =>
  JSON.stringify({ list: Array.from({ length }, (_, n) => n) });

const beyond: Readonly<Record<string, string>> = {
  "too many bytes": JSON.stringify({ pad: "x".repeat(documentBytesIndexedMax) }),
  "too many terms": list(termsPerDocumentMax + 1),
  "too deep": nested(depthIndexedMax + 2),
  "too long a name": JSON.stringify({ ["n".repeat(memberNameUnitsMax + 1)]: 1 }),
  "a member twice": '{"a":1,"a":2}',
};

const within: Readonly<Record<string, string>> = {
  "many terms": list(termsPerDocumentMax - 2),
  deep: nested(depthIndexedMax),
  "a long name": JSON.stringify({ ["n".repeat(memberNameUnitsMax)]: 1 }),
  "a quote before a colon": '{"a":"\\":","b":"x\\\\","c:":1}',
};

const kinds = {
  "mem://": async () => IndexedStore.inMemory(),
  "disk://": () => IndexedStore.onDisk("shared"),
};

for (const [kind, open] of Object.entries(kinds)) {
  describe(kind, () => {
    let indexed: IndexedStore;
    afterEach(() => indexed.close());

    test.each(Object.entries(beyond))("%s: always a candidate", async (_name, document) => {
      indexed = await open();
      await indexed.put("default:large", document, { apart: true });
      await indexed.put("default:small", '{"status":"open"}');
      await indexed.index.flush("default");
      const open_ = await indexed.candidates("default", selector("/status=open"));
      expect(open_).toEqual(["large", "small"]);
      expect(await indexed.candidates("default", selector("/status=held"))).toEqual(["large"]);
      await indexed.put("default:large", '{"status":"held"}');
      await indexed.index.flush("default");
      expect(await indexed.candidates("default", selector("/status=open"))).toEqual(["small"]);
    });

    test.each(Object.entries(within))(
      "%s: a candidate of its own only",
      async (_name, document) => {
        indexed = await open();
        await indexed.put("default:large", document);
        await indexed.index.flush("default");
        expect(await indexed.candidates("default", selector("/status=held"))).toEqual([]);
      },
    );

    test("texts that are too long are candidates of every part, not of every value", async () => {
      indexed = await open();
      const pad = "x".repeat(partsUnitsMax + 1);
      await indexed.put("default:large", JSON.stringify({ pad, a: 1 }), { apart: true });
      await indexed.index.flush("default");
      const part = await indexed.candidates("default", selector("contains{f=/pad,v=missing}"));
      expect(part).toEqual(["large"]);
    });

    test("a state or record that cannot be read keeps nothing else out", async () => {
      indexed = await open();
      await indexed.put("default:fine", '{"a":1}');
      await indexed.put("default:lost", '{"a":2}', { apart: true });
      const stored = await indexed.store.get(recordName("default", "lost"));
      await indexed.store.deleteStream("b/default/lost/2");
      const damaged = Buffer.from(stored?.bytes ?? []).fill(0, 20, 30);
      const name = recordName("default", "damaged");
      await indexed.store.apply([{ kind: "put", name, bytes: damaged, when: { kind: "any" } }]);
      await indexed.index.flush("default");
      const found = await indexed.candidates("default", selector("/a=1"));
      expect(found).toEqual(["damaged", "fine", "lost"]);
    });

    test("wildcards that stand for too many paths narrow nothing", async () => {
      indexed = await open();
      const count = pathsPerClauseMax + 5;
      for (let n = 0; n < count; n += 1) {
        await indexed.put(`default:k${n}`, JSON.stringify({ [`m${n}`]: { v: n } }));
      }
      await indexed.index.flush("default");
      expect(await indexed.candidates("default", selector("/*/v=3"))).toHaveLength(count);
      expect(await indexed.candidates("default", selector("/m3/v=3"))).toEqual(["k3"]);
    });

    test("pages are bounded and go on where the last one ended", async () => {
      indexed = await open();
      for (let n = 0; n < 57; n += 1) {
        await indexed.put(`default:k${n}`, JSON.stringify({ n, all: "yes" }));
      }
      await indexed.index.flush("default");
      for (const text of ["/all=yes", "/n>=10", "not.exists{/n}"]) {
        const whole = await indexed.candidates("default", selector(text));
        expect(await indexed.candidates("default", selector(text), 5)).toEqual(whole);
      }
    });

    test("one value of more documents than are found at once, and of fewer", async () => {
      indexed = await open();
      const keys = Array.from({ length: 131 }, (_, n) => `k${n}`);
      for (const [n, key] of keys.entries()) {
        await indexed.put(`default:${key}`, JSON.stringify({ all: n % 2 ? 5 : "5", few: n < 9 }));
      }
      await indexed.index.flush("default");
      for (const limit of [1_000, 50, 7]) {
        expect(await indexed.candidates("default", selector("/all=5"), limit)).toEqual(
          keys.toSorted(),
        );
        expect(await indexed.candidates("default", selector("/few=true"), limit)).toEqual(
          keys.slice(0, 9),
        );
      }
    });

    test("a namespace sees its own documents only", async () => {
      indexed = await open();
      await indexed.put("one:k", '{"a":"shared text"}');
      await indexed.put("two:k2", '{"a":"shared text"}');
      await indexed.index.flush("one");
      for (const text of ["/a='shared text'", "contains{f=/a,v=shared}", "exists{/a}"]) {
        expect(await indexed.candidates("one", selector(text))).toEqual(["k"]);
        expect(await indexed.candidates("two", selector(text))).toEqual(["k2"]);
      }
    });

    test("a rebuild leaves the same answers, before, meanwhile and after", async () => {
      indexed = await open();
      for (let n = 0; n < 30; n += 1) {
        await indexed.put(`default:k${n}`, JSON.stringify({ n, even: n % 2 === 0 }));
      }
      await indexed.index.flush("default");
      const ask = () => indexed.candidates("default", selector("/even=true"));
      const before = await ask();
      const options = { cleanup: false, cleanupDelayMs: 0 };
      const rebuilding = indexed.index.rebuild("default", options);
      const second = await indexed.index.rebuild("default", options);
      expect(second.rebuilt).toBe(false);
      expect(await ask()).toEqual(before);
      expect((await rebuilding).rebuilt).toBe(true);
      expect(await ask()).toEqual(before);
      expect((await indexed.index.rebuild("default", options)).rebuilt).toBe(true);
    });
  });
}

describe("when a server publishes", () => {
  test("after many commits, after a while, and when it closes", async () => {
    const indexed = IndexedStore.inMemory();
    const { store, clock } = indexed;
    const terms = new SegmentStore({ store, random: systemRandom() });
    const telemetry = silentTelemetry;
    const index = new StoreIndex({ store, terms, clock, telemetry, publishes: true });
    const settle = async () => {
      for (let turn = 0; turn < 200; turn += 1) await new Promise((done) => setImmediate(done));
    };
    const found = () => indexed.candidates("default", selector("/a=1"), 10, index);
    await indexed.clock.advance(1);
    await settle();
    await indexed.put("default:one", '{"a":1}');
    index.noteCommit("default");
    expect((await index.status("default")).pending).toBe(1);
    expect(await found()).toEqual([]);
    await indexed.clock.advance(10_000);
    await settle();
    expect(await found()).toEqual(["one"]);
    expect((await index.status("default")).pending).toBe(0);
    await indexed.put("default:two", '{"a":1}');
    for (let commits = 0; commits < 2_000; commits += 1) index.noteCommit("default");
    await indexed.clock.advance(1);
    await settle();
    expect(await found()).toEqual(["one", "two"]);
    await indexed.put("default:three", '{"a":1}');
    index.noteCommit("default");
    await index.close();
    expect(await indexed.candidates("default", selector("/a=1"))).toEqual(["one", "three", "two"]);
    await indexed.close();
  });
});
