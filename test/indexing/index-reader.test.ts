/** Lookups in an index file beside a writer of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { indexPlanOf } from "../../src/engine/query/index/index-plan.ts";
import { termKinds } from "../../src/engine/query/index/term.ts";
import { openForReading, openForWriting } from "../../src/indexing/index-database.ts";
import { IndexReader } from "../../src/indexing/index-reader.ts";
import { StoredPathBook } from "../../src/indexing/stored-paths.ts";
import { checkSelector } from "../../src/lql/selector/check-selector.ts";

const place = "here";
let directory: string;
let writer: Database.Database;
let path_: number;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-reader-"));
  writer = openForWriting(path.join(directory, "1.db"), place);
  const book = new StoredPathBook(writer);
  const root = book.root("default");
  path_ = book.child(root, ".a");
  writer.exec(`
    INSERT INTO namespaces VALUES(1, 'default', ${root}, 1, 0, 2);
    INSERT INTO docs(id, ns, key, loose) VALUES(1, 1, 'moves', 0), (2, 1, 'stays', 0);
    INSERT INTO meta VALUES('ready', 1);
  `);
  addTerm(termKinds.number, 7, 1);
  addTerm(termKinds.text, "7", 2);
});

afterEach(() => {
  writer.close();
  rmSync(directory, { recursive: true });
});

function addTerm(kind: number, value: number | string, doc: number): void {
  writer.prepare("INSERT INTO terms VALUES(?, ?, ?, ?)").run(path_, kind, value, doc);
}

/** The database with something that happens once, after the first page of rows was read. */
function interrupted(db: Database.Database, happens: () => void): Database.Database {
  let over = false;
  const statement = (made: Database.Statement): Database.Statement =>
    new Proxy(made, {
      get: (target, name) => {
        const member = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (name === "pluck" || name === "raw") return () => statement(member.call(target));
        return (...given: unknown[]) => {
          const result = member.apply(target, given);
          if (name === "all" && !over) {
            over = true;
            happens();
          }
          return result;
        };
      },
    });
  return new Proxy(db, {
    get: (target, name) => {
      if (name === "prepare") return (sql: string) => statement(target.prepare(sql));
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

async function find(happens: (db: Database.Database) => void) {
  const db = openForReading(path.join(directory, "1.db"), place);
  const reader = new IndexReader(interrupted(db, () => happens(db)));
  const plan = indexPlanOf(checkSelector({ eq: { field: "/a", value: "7" } }), 0);
  const lookup = { namespace: "default", plan, after: undefined, limit: 10 };
  const first = await reader.find(lookup);
  const second = await reader.find(lookup);
  reader.close();
  return [first, second];
}

test("a document that moves between two lookups of one query is found", async () => {
  // 7 became "7": behind the lookup of texts, before that of numbers.
  const found = await find(() => {
    writer.transaction(() => {
      writer.exec("DELETE FROM terms WHERE doc = 1; UPDATE namespaces SET seq = 2");
      addTerm(termKinds.text, "7", 1);
    })();
  });
  expect(found).toMatchObject([
    { keys: ["moves", "stays"], more: false, publication: { seq: 1 } },
    { keys: ["moves", "stays"], more: false, publication: { seq: 2 } },
  ]);
});

test("so is one whose new document could not be taken apart", async () => {
  const found = await find(() => {
    writer.exec("UPDATE docs SET loose = 1 WHERE id = 1; DELETE FROM terms WHERE doc = 1");
  });
  expect(found).toMatchObject([{ keys: ["moves", "stays"] }, { keys: ["moves", "stays"] }]);
});

test("a disk that cannot be read is told of as such", async () => {
  const unreadable = Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_READ" });
  const finding = find((db) => {
    // SQLite itself does so.
    db.exec("ROLLBACK");
    throw unreadable;
  });
  await expect(finding).rejects.toBe(unreadable);
});
