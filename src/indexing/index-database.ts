/**
 * The SQLite file of an index. It can always be made again from the records, so it is synced only
 * at checkpoints: after a power failure it stands at an earlier cursor, and goes on from there.
 */
import { statSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";

/** Layout and meaning of the terms; a file of another number is replaced. */
const formatVersion = 1;

/** Milliseconds a writer waits for another process that is publishing. */
const writerBusyMs = 30_000;

/** Kibibytes of pages kept by the writer and by a reader. */
const writerCacheKib = 64 * 1024;
const readerCacheKib = 8 * 1024;

/**
 * Pages of the log before it is brought into the file, 64 MiB: neighbouring batches change the same
 * pages, which are then written once.
 */
const checkpointPages = 16_384;

/** Bytes of trigrams collected before they are written: the fewer pieces, the less to merge. */
const gramBytesCollected = 16 * 1024 * 1024;

/**
 * `terms` has the postings; `doc_state` what a document's postings are, to take them away again.
 * Texts are only ever added to the trigram index (taking one away costs ten times as much): `texts`
 * says which document an entry belongs to, and entries of nobody are left until the next file.
 */
const schema = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE namespaces(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, root INTEGER NOT NULL,
    seq INTEGER NOT NULL, updated_ms INTEGER NOT NULL, docs INTEGER NOT NULL
  );
  CREATE TABLE paths(
    id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, step TEXT NOT NULL, UNIQUE(parent, step)
  );
  CREATE TABLE docs(
    id INTEGER PRIMARY KEY, ns INTEGER NOT NULL, key TEXT NOT NULL, loose INTEGER NOT NULL,
    UNIQUE(ns, key)
  );
  CREATE INDEX loose_docs ON docs(ns) WHERE loose = 1;
  CREATE TABLE doc_state(
    doc INTEGER PRIMARY KEY, stamp TEXT NOT NULL, terms TEXT NOT NULL,
    short INTEGER NOT NULL, short_digest TEXT NOT NULL,
    long INTEGER NOT NULL, long_digest TEXT NOT NULL
  );
  CREATE TABLE terms(
    path INTEGER NOT NULL, kind INTEGER NOT NULL, value NOT NULL, doc INTEGER NOT NULL,
    PRIMARY KEY(path, kind, value, doc)
  ) WITHOUT ROWID;
  CREATE TABLE texts(id INTEGER PRIMARY KEY, ns INTEGER NOT NULL, doc INTEGER NOT NULL);
  CREATE VIRTUAL TABLE grams USING fts5(
    parts, content = '', detail = none, tokenize = 'trigram case_sensitive 1'
  );
  CREATE TABLE rebuilds(ns TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

export type MetaKey =
  | "format"
  /** The store's file the index was made from. */
  | "place"
  | "cursor"
  /** 1 when the index has seen all records once. */
  | "ready"
  /** 1 while a writer may be in the middle of something. */
  | "dirty"
  /** Entries of the trigram index. */
  | "texts";

/** A file that cannot be used and is to be replaced; the message says why. */
export class UnusableIndex extends Error {}

/** Says which store file an index belongs to: a copied directory has another one. */
export function placeOfStore(directory: string): string {
  const { dev, ino } = statSync(path.join(directory, "lockd.db"));
  return `${dev}:${ino}`;
}

/** Opens for writing, making the tables when the file is new. @throws UnusableIndex */
export function openForWriting(file: string, place: string): Database.Database {
  return opened(file, isDamage, () => {
    const db = new Database(file, { timeout: writerBusyMs });
    try {
      db.pragma("journal_mode = WAL");
      db.pragma("synchronous = NORMAL");
      db.pragma(`cache_size = -${writerCacheKib}`);
      db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
      db.transaction(() => {
        if (db.prepare("SELECT 1 FROM sqlite_master").get() !== undefined) return;
        db.exec(schema);
        db.exec(`INSERT INTO grams(grams, rank) VALUES('hashsize', ${gramBytesCollected})`);
        const set = db.prepare("INSERT INTO meta(key, value) VALUES(?, ?)");
        set.run("format", formatVersion);
        set.run("place", place);
      }).immediate();
      check(db, file, place);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/**
 * Opens for reading. Whatever keeps a file from being opened, queries can do without it.
 * @throws UnusableIndex, also when it has not seen all records yet
 */
export function openForReading(file: string, place: string): Database.Database {
  return opened(file, isOfSqlite, () => {
    const db = new Database(file, { fileMustExist: true, timeout: 0 });
    try {
      db.pragma("query_only = ON");
      db.pragma(`cache_size = -${readerCacheKib}`);
      if (metaOf(db, "format") !== formatVersion || metaOf(db, "place") !== place) {
        throw new UnusableIndex(`${file} is of another format or store`);
      }
      if (metaOf(db, "ready") !== 1) throw new UnusableIndex(`${file} is not complete`);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

export function metaOf(db: Database.Database, key: MetaKey): unknown {
  const row = db.prepare("SELECT value FROM meta WHERE key = ?").get(key);
  return (row as { value?: unknown } | undefined)?.value;
}

/** True for what SQLite says of a file that is torn, damaged, or no database. */
export function isDamage(error: unknown): boolean {
  const code = String((error as { code?: unknown } | undefined)?.code ?? "");
  return /^SQLITE_(CORRUPT|NOTADB|FORMAT|ERROR|IOERR_SHORT_READ)/.test(code);
}

function isOfSqlite(error: unknown): boolean {
  return String((error as { code?: unknown } | undefined)?.code ?? "").startsWith("SQLITE_");
}

function opened(
  file: string,
  isUnusable: (error: unknown) => boolean,
  open: () => Database.Database,
): Database.Database {
  try {
    return open();
  } catch (error) {
    if (!isUnusable(error)) throw error;
    throw new UnusableIndex(`${file}: ${String(error)}`, { cause: error });
  }
}

function check(db: Database.Database, file: string, place: string): void {
  const format = metaOf(db, "format");
  if (format !== formatVersion) throw new UnusableIndex(`${file} has format ${format}`);
  if (metaOf(db, "place") !== place) throw new UnusableIndex(`${file} is of another store`);
  if (metaOf(db, "dirty") !== 1) return;
  // Its writer did not end well. Every page is looked at, once.
  const found = db.pragma("quick_check(1)", { simple: true });
  if (found !== "ok") throw new UnusableIndex(`${file}: ${String(found)}`);
}
