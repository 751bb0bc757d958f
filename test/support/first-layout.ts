import path from "node:path";
import Database from "better-sqlite3";

/** The database of a new store as the first lockds made it: its objects have no row ids. */
export function makeFirstLayout(directory: string): void {
  const db = new Database(path.join(directory, "lockd.db"));
  db.pragma("journal_mode = WAL");
  db.exec(`
    CREATE TABLE objects(
      name TEXT PRIMARY KEY COLLATE BINARY, seq INTEGER NOT NULL, bytes BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
    CREATE INDEX changes ON objects(seq) WHERE name >= 'k/' AND name < 'k/' || char(1114111);
    INSERT INTO meta(key, value) VALUES('format', 1);
  `);
  db.close();
}
