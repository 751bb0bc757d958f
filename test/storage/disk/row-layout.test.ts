/** Stores of the first lockds, whose objects have no row ids: used as they are, and converted. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Store, StoreFailure } from "../../../src/engine/ports/store.ts";
import { convertRows } from "../../../src/storage/disk/convert-rows.ts";
import { giveRowIds } from "../../../src/storage/disk/rows-schema.ts";
import { CommitOutcomeUnknown } from "../../../src/storage/disk/sqlite-rows.ts";
import { type Gear, openStore } from "../../../src/storage/open.ts";
import { makeFirstLayout } from "../../support/first-layout.ts";

let directory: string;
let notices: string[];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-layout-"));
  notices = [];
  makeFirstLayout(directory);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(gear: Gear, place = directory): Promise<Store> {
  return openStore(`disk://${place}`, { gear, onNotice: (event) => notices.push(event) });
}

async function withStore<T>(gear: Gear, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await open(gear);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Small rows and ones that fill several pages, tracked and not, one of them written twice. */
async function fill(store: Store): Promise<void> {
  for (let n = 0; n < 60; n += 1) {
    const bytes = Buffer.alloc((n * 397) % 9_000, `${n}`);
    const name = `${n % 3 === 0 ? "x" : "k"}/space/${n}`;
    await store.apply([{ kind: "put", name, bytes, when: { kind: "any" } }]);
  }
  const name = "k/space/1";
  await store.apply([{ kind: "put", name, bytes: Buffer.from("new"), when: { kind: "any" } }]);
  await store.apply([{ kind: "delete", name: "x/space/3", when: { kind: "any" } }]);
}

/** Everything that can be asked of the objects: their bytes, tags, orders. */
async function lookOver(store: Store) {
  const { objects } = await store.scan("", { limit: 1_000 });
  const changes = await store.changesSince?.(undefined, 1_000);
  const { names } = await store.list("k/", { limit: 1_000 });
  return { objects, changes, names };
}

function layoutOf(place = directory): string {
  const db = new Database(path.join(place, "lockd.db"), { readonly: true });
  const find = db.prepare("SELECT sql FROM sqlite_master WHERE name = 'objects'").pluck();
  const sql = String(find.get());
  const others = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all();
  expect(others.sort()).toEqual(["meta", "objects"]);
  db.close();
  return sql.includes("WITHOUT ROWID") ? "without row ids" : "with row ids";
}

test("inline commands use such a store as it is", async () => {
  await withStore("shared", fill);
  expect(await withStore("shared", lookOver)).toMatchObject({ objects: { length: 59 } });
  expect([layoutOf(), notices]).toEqual(["without row ids", []]);
});

test("an owner converts it once: objects, tags and the order of changes stay", async () => {
  await withStore("shared", fill);
  const before = await withStore("shared", lookOver);
  const after = await withStore("exclusive", lookOver);
  expect(after).toEqual(before);
  expect(layoutOf()).toBe("with row ids");
  expect(notices).toEqual(["storage.disk.converting", "storage.disk.converted"]);
  await withStore("exclusive", async (store) => {
    const name = "k/space/1";
    const tag = before.objects.find((object) => object.name === name)?.tag;
    const when = { kind: "tag", tag: tag ?? "" } as never;
    const put = { kind: "put", name, bytes: Buffer.from("newer"), when } as const;
    expect(await store.apply([put])).toMatchObject({ kind: "applied" });
    expect(await store.apply([put])).toMatchObject({ kind: "conflict" });
    const changes = await store.changesSince?.(before.changes?.cursor, 10);
    expect(changes?.objects.map((object) => object.name)).toEqual([name]);
  });
  expect(notices).toHaveLength(2);
});

test("who had such a store open goes on after it was converted", async () => {
  await withStore("shared", fill);
  const inline = await open("shared");
  await withStore("exclusive", async () => {});
  expect(layoutOf()).toBe("with row ids");
  const bytes = Buffer.from("later");
  const name = "k/space/2";
  await inline.apply([{ kind: "put", name, bytes, when: { kind: "any" } }]);
  expect(String((await inline.get(name))?.bytes)).toBe("later");
  expect((await lookOver(inline)).objects).toHaveLength(59);
  await inline.close();
});

test("a conversion that is cut off anywhere leaves the store as it was", async () => {
  await withStore("shared", fill);
  const before = await withStore("shared", lookOver);
  const db = new Database(path.join(directory, "lockd.db"));
  // Written to the log as it goes, as with more objects than there is memory for.
  db.pragma("cache_size = 10");
  db.exec("BEGIN IMMEDIATE");
  giveRowIds(db);
  const crashed = `${directory}-crashed`;
  cpSync(directory, crashed, { recursive: true, filter: (file) => !file.endsWith("-shm") });
  db.exec("ROLLBACK");
  db.close();
  try {
    expect(layoutOf(crashed)).toBe("without row ids");
    const store = await open("exclusive", crashed);
    expect(await lookOver(store)).toEqual(before);
    await store.close();
    expect(layoutOf(crashed)).toBe("with row ids");
  } finally {
    rmSync(crashed, { recursive: true });
  }
});

describe("a store that cannot be converted", () => {
  const failing = (kind: "full" | "failed") => ({
    hasRowIds: false,
    giveRowIds: () => {
      throw new StoreFailure(kind, `it is ${kind}`);
    },
  });

  test("for want of room is opened as it is, and says so", async () => {
    const told: unknown[] = [];
    await convertRows("/d", failing("full"), (event, fields) => told.push([event, fields]));
    expect(told).toEqual([
      ["storage.disk.converting", { directory: "/d" }],
      ["storage.disk.not_converted", { directory: "/d", reason: "it is full" }],
    ]);
  });

  test("because the disk fails is refused", async () => {
    const converting = convertRows("/d", failing("failed"), undefined);
    await expect(converting).rejects.toMatchObject({ kind: "failed" });
  });

  test("because the disk fails at its end is refused for the same reason", async () => {
    const giveRowIds = () => {
      throw new CommitOutcomeUnknown(new StoreFailure("failed", "no sync"));
    };
    const converting = convertRows("/d", { hasRowIds: false, giveRowIds }, undefined);
    await expect(converting).rejects.toBeInstanceOf(StoreFailure);
  });
});
