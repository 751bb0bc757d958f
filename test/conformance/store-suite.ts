/**
 * What every store adapter promises (src/engine/ports/store.ts). A new adapter adds one line to
 * `stores.test.ts`, not new tests.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  changesPrefix,
  getManyMax,
  type NamedObject,
  type Plan,
  type Precondition,
  type Store,
  scanBytesMax,
  type VersionTag,
} from "../../src/engine/ports/store.ts";
import { chunksOf, reusing, streamBytes } from "./store-streams.ts";

export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens the same place again; undefined where nothing survives. */
  readonly reopen?: () => Promise<Store>;
  readonly close: () => Promise<void>;
}

const absent: Precondition = { kind: "absent" };
const any: Precondition = { kind: "any" };

function put(name: string, text: string | Uint8Array, when: Precondition = any): Plan[number] {
  return { kind: "put", name, bytes: Buffer.from(text), when };
}

function fresh(): string {
  return `t/${randomBytes(8).toString("hex")}`;
}

async function textOf(store: Store, name: string): Promise<string | undefined> {
  const stored = await store.get(name);
  return stored === undefined ? undefined : Buffer.from(stored.bytes).toString();
}

async function tagAfter(store: Store, ...plan: Plan[number][]): Promise<VersionTag> {
  const result = await store.apply(plan);
  const tag = result.kind === "applied" ? result.tags.at(-1) : undefined;
  if (tag === undefined) throw new Error(`not applied: ${JSON.stringify(result)}`);
  return tag;
}

async function allChanges(
  store: Store,
  since: string | undefined,
  limit: number,
): Promise<{ objects: NamedObject[]; cursor: string | undefined }> {
  const objects: NamedObject[] = [];
  let cursor = since;
  for (let more = true; more; ) {
    const page = await store.changesSince?.(cursor, limit);
    expect(page?.objects.length ?? 0).toBeLessThanOrEqual(limit);
    objects.push(...(page?.objects ?? []));
    cursor = page?.cursor;
    more = page?.more ?? false;
  }
  return { objects, cursor };
}

export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    let store: Store;
    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened.close());

    test("reads its writes, and absent is undefined", async () => {
      const key = fresh();
      expect(await store.get(key)).toBeUndefined();
      const tag = await tagAfter(store, put(key, "one"));
      expect(await textOf(store, key)).toBe("one");
      expect((await store.get(key))?.tag).toBe(tag);
    });

    test("many at once are what each of them is alone, in the order asked for", async () => {
      const [quoted, plain, gone, never] = [`${fresh()}"\\é\u{1f512}`, fresh(), fresh(), fresh()];
      await store.apply([put(quoted, "q"), put(plain, randomBytes(20_000)), put(gone, "x")]);
      await store.apply([{ kind: "delete", name: gone, when: any }]);
      const names = [plain, gone, quoted, never, plain];
      const alone = await Promise.all(names.map((one) => store.get(one)));
      expect(await store.getMany(names)).toEqual(alone);
      expect(alone.map((one) => one !== undefined)).toEqual([true, false, true, false, true]);
      expect(await store.getMany([never])).toEqual([undefined]);
      const most = Array.from({ length: getManyMax }, (_, at) => `${plain}/${at}`);
      const steps = most.filter((_name, at) => at % 2 === 0).map((one) => put(one, one));
      await store.apply(steps);
      const found = await store.getMany(most);
      expect(found).toHaveLength(getManyMax);
      for (const [at, one] of found.entries()) {
        const text = one === undefined ? undefined : Buffer.from(one.bytes).toString();
        expect(text).toBe(at % 2 === 0 ? most[at] : undefined);
      }
    });

    test("preconditions: absent, tag, any", async () => {
      const key = fresh();
      const first = await tagAfter(store, put(key, "one", absent));
      expect(await store.apply([put(key, "two", absent)])).toEqual({ kind: "conflict", step: 0 });
      const second = await tagAfter(store, put(key, "two", { kind: "tag", tag: first }));
      expect(second).not.toBe(first);
      const stale = await store.apply([put(key, "three", { kind: "tag", tag: first })]);
      expect(stale).toEqual({ kind: "conflict", step: 0 });
      expect(await textOf(store, key)).toBe("two");
      const gone = await store.apply([put(fresh(), "x", { kind: "tag", tag: first })]);
      expect(gone).toEqual({ kind: "conflict", step: 0 });
    });

    test("a tag is never used again, not even after a delete", async () => {
      const key = fresh();
      const tags = new Set<string>();
      for (let round = 0; round < 5; round += 1) {
        tags.add(await tagAfter(store, put(key, "same", any)));
        await store.apply([{ kind: "delete", name: key, when: any }]);
      }
      expect(tags.size).toBe(5);
      const last = await tagAfter(store, put(key, "same", absent));
      expect(tags.has(last)).toBe(false);
    });

    test("deletes are conditional too, and deleting nothing succeeds", async () => {
      const key = fresh();
      const tag = await tagAfter(store, put(key, "x"));
      const wrong = { kind: "tag", tag: "999999999" as VersionTag } as const;
      const refused = await store.apply([{ kind: "delete", name: key, when: wrong }]);
      expect(refused.kind).toBe("conflict");
      const done = await store.apply([{ kind: "delete", name: key, when: { kind: "tag", tag } }]);
      expect(done).toEqual({ kind: "applied", tags: [undefined] });
      expect(await store.get(key)).toBeUndefined();
      const nothing = await store.apply([{ kind: "delete", name: key, when: any }]);
      expect(nothing.kind).toBe("applied");
    });

    test("a plan's steps see each other; a failed step stops it", async () => {
      const [a, b] = [fresh(), fresh()];
      const applied = await store.apply([
        put(a, "1", absent),
        { kind: "delete", name: a, when: any },
        put(a, "2", absent),
        put(b, "3", absent),
      ]);
      expect(applied.kind).toBe("applied");
      expect([await textOf(store, a), await textOf(store, b)]).toEqual(["2", "3"]);
      const c = fresh();
      const stopped = await store.apply([put(c, "1", absent), put(a, "x", absent), put(b, "y")]);
      expect(stopped).toEqual({ kind: "conflict", step: 1 });
      expect(await textOf(store, b)).toBe("3");
      if (store.capabilities.atomicPlan) expect(await store.get(c)).toBeUndefined();
    });

    test("of many writers from one tag exactly one wins", async () => {
      const key = fresh();
      const tag = await tagAfter(store, put(key, "start"));
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          store.apply([put(key, `writer ${n}`, { kind: "tag", tag })]),
        ),
      );
      const winners = results.flatMap(({ kind }, n) => (kind === "applied" ? [n] : []));
      expect(winners).toHaveLength(1);
      expect(await textOf(store, key)).toBe(`writer ${winners[0]}`);
    });

    test("names and bytes of any kind come back", async () => {
      const key = `${fresh()}/é %41/../\u{1F512}.`;
      const bytes = randomBytes(20_000);
      await tagAfter(store, put(key, bytes));
      expect(Buffer.from((await store.get(key))?.bytes ?? []).equals(bytes)).toBe(true);
      await tagAfter(store, put(key, Buffer.alloc(0)));
      expect((await store.get(key))?.bytes).toHaveLength(0);
    });

    test("streams: any size, any chunks, immutable and readable while deleted", async () => {
      for (const size of [0, 1, 300_000, 3_000_001]) {
        const key = fresh();
        const bytes = randomBytes(size);
        expect(await store.putStream(key, chunksOf(bytes, 70_001))).toEqual({ size });
        expect((await streamBytes(store, key))?.equals(bytes)).toBe(true);
      }
      const key = `${fresh()}/${"long".repeat(60)}`;
      await store.putStream(key, chunksOf(Buffer.from("kept"), 2));
      const reading = await store.getStream(key);
      await store.deleteStream(key);
      const parts: string[] = [];
      for await (const part of reading?.body ?? []) parts.push(Buffer.from(part).toString());
      expect(parts.join("")).toBe("kept");
      expect(await store.getStream(key)).toBeUndefined();
      await store.deleteStream(key);
    });

    test("streams: the memory of chunks is used again, where it may be", async () => {
      const key = fresh();
      const bytes = randomBytes(2_500_001);
      await store.putStream(key, reusing(bytes));
      expect((await streamBytes(store, key))?.equals(bytes)).toBe(true);
      const kept: Uint8Array[] = [];
      for await (const chunk of (await store.getStream(key))?.body ?? []) kept.push(chunk);
      // Whoever iterates the body itself may keep the chunks.
      expect(Buffer.concat(kept).equals(bytes)).toBe(true);
      const lent = (await store.getStream(key))?.body.lent?.() ?? [bytes];
      const copies: Uint8Array[] = [];
      for await (const chunk of lent) copies.push(Buffer.from(chunk));
      expect(Buffer.concat(copies).equals(bytes)).toBe(true);
    });

    test("a stream whose source fails or is aborted leaves nothing", async () => {
      const key = fresh();
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield randomBytes(2_000_000);
        throw new Error("source broke");
      }
      await expect(store.putStream(key, failing())).rejects.toThrow("source broke");
      expect(await store.getStream(key)).toBeUndefined();
      const abort = new AbortController();
      async function* aborting(): AsyncGenerator<Uint8Array> {
        yield randomBytes(10);
        abort.abort(new Error("stop"));
        yield randomBytes(10);
      }
      await expect(store.putStream(key, aborting(), abort.signal)).rejects.toThrow("stop");
      expect(await store.getStream(key)).toBeUndefined();
      expect((await store.listStreams(key, { limit: 10 })).names).toEqual([]);
    });

    test("lists and scans objects in byte order, page by page, each once", async () => {
      const prefix = `${fresh()}/`;
      const names = ["a", "a/b", "aa", "b", "é", "\u{10000}", "\uFFFD"].map(
        (name) => prefix + name,
      );
      for (const name of names) await tagAfter(store, put(name, `of ${name}`));
      const doomed = `${prefix}aaa`;
      await tagAfter(store, put(doomed, "x"));
      await store.apply([{ kind: "delete", name: doomed, when: any }]);
      await store.putStream(`${prefix}ab`, chunksOf(Buffer.from("x"), 1));
      const ordered = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      for (const limit of [1, 2, 3, 1000]) {
        const found: string[] = [];
        let after: string | undefined;
        for (let more = true; more; ) {
          const options = after === undefined ? { limit } : { after, limit };
          const page = await store.list(prefix, options);
          const scanned = await store.scan(prefix, options);
          expect(page.names.length).toBeLessThanOrEqual(limit);
          expect(scanned.objects.map(({ name }) => name)).toEqual(page.names);
          expect(scanned.more).toBe(page.more);
          for (const { name, bytes, tag } of scanned.objects) {
            expect(Buffer.from(bytes).toString()).toBe(`of ${name}`);
            expect((await store.get(name))?.tag).toBe(tag);
          }
          found.push(...page.names);
          after = page.names.at(-1) ?? after;
          more = page.more;
        }
        expect(found).toEqual(ordered);
      }
    });

    test("a scan's page ends at its bytes, but never empty", async () => {
      const prefix = `${fresh()}/`;
      const large = "x".repeat(scanBytesMax - 100_000);
      for (const name of ["a", "b", "c"]) await tagAfter(store, put(prefix + name, large));
      const { objects, more } = await store.scan(prefix, { limit: 10 });
      expect([objects.map(({ name }) => name), more]).toEqual([[`${prefix}a`], true]);
      const rest = await store.scan(prefix, { after: `${prefix}b`, limit: 10 });
      expect([rest.objects.length, rest.more]).toEqual([1, false]);
    });

    test("lists streams page by page, each once, and no objects", async () => {
      const prefix = `${fresh()}/`;
      const names = Array.from({ length: 23 }, (_, n) => `${prefix}${n % 3}/é${n}`);
      for (const name of names) await store.putStream(name, chunksOf(Buffer.from("x"), 1));
      await tagAfter(store, put(`${prefix}object`, "x"));
      for (const limit of [1, 5, 23, 1000]) {
        const found: string[] = [];
        let after: string | undefined;
        do {
          const options = after === undefined ? { limit } : { after, limit };
          const page = await store.listStreams(prefix, options);
          expect(page.names.length).toBeLessThanOrEqual(limit);
          found.push(...page.names);
          after = page.next;
        } while (after !== undefined);
        expect(found.sort()).toEqual([...names].sort());
      }
    });

    test("changes come in the order of writing, each object as it is now", async () => {
      if (store.changesSince === undefined) {
        expect(store.capabilities.changes).toBe(false);
        return;
      }
      const prefix = changesPrefix + fresh();
      const names = Array.from({ length: 7 }, (_, n) => `${prefix}/${9 - n}`);
      let cursor = (await allChanges(store, undefined, 1000)).cursor;
      for (const name of names) await tagAfter(store, put(name, `of ${name}`));
      await tagAfter(store, put(fresh(), "not tracked"));
      for (const limit of [1, 2, 7, 1000]) {
        const { objects } = await allChanges(store, cursor, limit);
        expect(objects.map(({ name }) => name)).toEqual(names);
        for (const { name, bytes, tag } of objects) {
          expect(Buffer.from(bytes).toString()).toBe(`of ${name}`);
          expect((await store.get(name))?.tag).toBe(tag);
        }
      }
      cursor = (await allChanges(store, cursor, 3)).cursor;
      expect((await allChanges(store, cursor, 3)).objects).toEqual([]);
      const [first = "", second = ""] = names;
      await tagAfter(store, put(second, "new"));
      await tagAfter(store, put(first, "new"));
      await tagAfter(store, put(second, "newer"));
      const again = await allChanges(store, cursor, 1);
      const texts = again.objects.map(({ bytes }) => Buffer.from(bytes).toString());
      expect(again.objects.map(({ name }) => name)).toEqual([first, second]);
      expect(texts).toEqual(["new", "newer"]);
      await expect(store.changesSince("999999999999", 1)).rejects.toMatchObject({
        kind: "corrupt",
      });
    });

    test("a reader of changes misses no write, whatever is written between its pages", async () => {
      if (store.changesSince === undefined) return;
      const prefix = changesPrefix + fresh();
      const seen = new Map<string, string>();
      let { cursor } = await allChanges(store, undefined, 1000);
      for (let round = 0; round < 40; round += 1) {
        const writes = Array.from({ length: 1 + (round % 5) }, (_, n) =>
          store.apply([put(`${prefix}/${(round * 7 + n * 3) % 11}`, `${round}.${n}`)]),
        );
        const page = await store.changesSince(cursor, 2);
        cursor = page.cursor;
        for (const { name, bytes } of page.objects) seen.set(name, Buffer.from(bytes).toString());
        await Promise.all(writes);
      }
      const rest = await allChanges(store, cursor, 3);
      for (const { name, bytes } of rest.objects) seen.set(name, Buffer.from(bytes).toString());
      const { objects } = await store.scan(`${prefix}/`, { limit: 100 });
      expect(objects).toHaveLength(11);
      for (const { name, bytes } of objects) {
        expect([name, seen.get(name)]).toEqual([name, Buffer.from(bytes).toString()]);
      }
    });

    test("what was acknowledged is there after closing and opening again", async () => {
      if (opened.reopen === undefined) return;
      const key = fresh();
      const large = `${key}/large`;
      const bytes = randomBytes(100_000);
      const tracked = changesPrefix + fresh();
      const tag = await tagAfter(store, put(key, "before"), put(tracked, "x"), put(key, "before"));
      const before = await allChanges(store, undefined, 1000);
      await store.putStream(large, chunksOf(bytes, 9_999));
      store = await opened.reopen();
      expect(await textOf(store, key)).toBe("before");
      expect((await allChanges(store, before.cursor, 1000)).objects).toEqual([]);
      const after = await allChanges(store, undefined, 2);
      expect(after.objects.map(({ name }) => name)).toEqual(before.objects.map(({ name }) => name));
      expect((await streamBytes(store, large))?.equals(bytes)).toBe(true);
      const next = await tagAfter(store, put(key, "after", { kind: "tag", tag }));
      expect(next).not.toBe(tag);
      expect((await store.list(key, { limit: 10 })).names).toEqual([key]);
      expect((await store.listStreams(key, { limit: 10 })).names).toEqual([large]);
    });

    test("a closed store refuses everything", async () => {
      await store.close();
      await store.close();
      await expect(store.get("x")).rejects.toMatchObject({ kind: "closed" });
      await expect(store.getMany(["x"])).rejects.toMatchObject({ kind: "closed" });
      await expect(store.apply([put("x", "y")])).rejects.toMatchObject({ kind: "closed" });
      await expect(store.list("x", { limit: 1 })).rejects.toMatchObject({ kind: "closed" });
    });
  });
}
