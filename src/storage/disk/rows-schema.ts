/**
 * The tables of a disk store's database. A table of row ids holds the objects, with an index on
 * their names: SQLite stores up to 4 KiB of a row in one piece there. Stores of the first lockds
 * have the names as the table's own order instead; of a row above 1,002 bytes half went to a page
 * of its own, which was read again by every comparison on the way to a name and written by every
 * update. All statements mean the same for both, so neither an older lockd nor this one has to
 * know which it is: hence one format number.
 */
import assert from "node:assert";
import type Database from "better-sqlite3";
import { failure } from "../../api/errors.ts";
import { changesPrefix } from "../../engine/ports/store.ts";

/** Meaning of the database; another number is refused, never touched. */
const formatVersion = 1;

const objectColumns =
  "(name TEXT PRIMARY KEY COLLATE BINARY, seq INTEGER NOT NULL, bytes BLOB NOT NULL)";

const schema = `
  CREATE TABLE IF NOT EXISTS objects${objectColumns};
  CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
`;

/** Part of every statement that is to use the index below, which has only tracked objects. */
export const isTracked = `name >= '${changesPrefix}' AND name < '${changesPrefix}' || char(1114111)`;

/** Only the last sequence of a name is in it; an update of a tracked row costs one entry more. */
const changesIndex = `CREATE INDEX IF NOT EXISTS changes ON objects(seq) WHERE ${isTracked}`;

export function prepareForWriting(db: Database.Database, path: string): void {
  db.pragma("journal_mode = WAL");
  // better-sqlite3 opens an existing WAL database with NORMAL, which may lose what was
  // acknowledged (design/performance.md); so it is set and looked at every time.
  db.pragma("synchronous = FULL");
  assert.equal(db.pragma("journal_mode", { simple: true }), "wal", `${path} is not in WAL mode`);
  assert.equal(db.pragma("synchronous", { simple: true }), 2, `${path} is not synchronous`);
  const known = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'changes'").get();
  if (known !== undefined) return;
  db.exec("BEGIN IMMEDIATE");
  db.exec(schema);
  db.exec(changesIndex);
  db.prepare("INSERT OR IGNORE INTO meta(key, value) VALUES('format', ?)").run(formatVersion);
  db.exec("COMMIT");
}

export function checkVersion(db: Database.Database, path: string): void {
  const row = db.prepare("SELECT value FROM meta WHERE key = 'format'").get();
  const found = Number((row as { value?: unknown } | undefined)?.value);
  if (found === formatVersion) return;
  throw failure(
    "store_version_unknown",
    `${path} has format ${found}; this lockd knows format ${formatVersion}`,
  );
}

/** True for a store of the first lockds, whose objects have no row ids. */
export function isWithoutRowIds(db: Database.Database): boolean {
  const found = db.prepare("SELECT sql FROM sqlite_master WHERE name = 'objects'").pluck().get();
  return typeof found === "string" && /WITHOUT\s+ROWID\s*$/i.test(found);
}

/**
 * Copies the objects into a table of row ids that takes the place of theirs. To be called within a
 * transaction: whatever ends it early, the old table is there as before.
 */
export function giveRowIds(db: Database.Database): void {
  db.exec(`CREATE TABLE objects_with_row_ids${objectColumns}`);
  db.exec(
    "INSERT INTO objects_with_row_ids(name, seq, bytes) " +
      "SELECT name, seq, bytes FROM objects ORDER BY name",
  );
  db.exec("DROP TABLE objects");
  db.exec("ALTER TABLE objects_with_row_ids RENAME TO objects");
  db.exec(changesIndex);
}
