/** Brings an index file up to date; runs in a thread of its own. */
import { existsSync } from "node:fs";
import type Database from "better-sqlite3";
import type { NamedObject } from "../engine/ports/store.ts";
import type { BatchOutcome, RecordBatch } from "../engine/ports/term-store.ts";
import { committedDocument, type OpenState } from "../engine/query/index/committed-document.ts";
import { DocumentRows } from "./document-rows.ts";
import { isDamage, metaOf, openForWriting, placeOfStore, UnusableIndex } from "./index-database.ts";
import { deleteOlder, indexFile, indexNumbers, makeIndexDirectory } from "./index-files.ts";
import { StoredPathBook } from "./stored-paths.ts";

/** Trigram entries of nobody that call for a new file: at least, and for each document. */
const deadTextsMin = 50_000;
const deadTextsRatio = 2;

interface OpenIndex {
  readonly number: number;
  readonly file: string;
  readonly db: Database.Database;
  readonly paths: StoredPathBook;
}

interface NamespaceRow {
  readonly id: number;
  readonly root: number;
}

export class IndexWriter {
  readonly #directory: string;
  readonly #openState: OpenState;
  #open: OpenIndex | undefined;

  constructor(directory: string, openState: OpenState) {
    this.#directory = directory;
    this.#openState = openState;
  }

  cursor(): string | undefined {
    const cursor = metaOf(this.#use().db, "cursor");
    return cursor === undefined ? undefined : String(cursor);
  }

  /** As the term store promises. A file found damaged is replaced: the caller begins anew. */
  async apply(batch: RecordBatch): Promise<BatchOutcome> {
    try {
      return await this.#applyTo(this.#use(), batch);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.renew();
      return "overtaken";
    }
  }

  /** Leaves the file to those who read it and begins the next one. */
  renew(): void {
    const newest = indexNumbers(this.#directory)[0] ?? 0;
    this.#close();
    this.#open = this.#openNumber(newest + 1);
  }

  claimRebuild(namespace: string, nowMs: number, untilMs: number): boolean {
    const { db } = this.#use();
    return db
      .transaction(() => {
        const row = db.prepare("SELECT until_ms FROM rebuilds WHERE ns = ?").get(namespace);
        if (row !== undefined && (row as { until_ms: number }).until_ms > nowMs) return false;
        db.prepare("INSERT OR REPLACE INTO rebuilds VALUES(?, ?)").run(namespace, untilMs);
        return true;
      })
      .immediate();
  }

  endRebuild(namespace: string): void {
    this.#use().db.prepare("DELETE FROM rebuilds WHERE ns = ?").run(namespace);
  }

  close(): void {
    const db = this.#open?.db;
    if (db !== undefined && metaOf(db, "dirty") === 1) setMeta(db, "dirty", 0);
    this.#close();
  }

  #close(): void {
    this.#open?.db.close();
    this.#open = undefined;
  }

  /** The newest file that can be used; a file that was deleted meanwhile is none. */
  #use(): OpenIndex {
    if (this.#open !== undefined && existsSync(this.#open.file)) return this.#open;
    this.#close();
    makeIndexDirectory(this.#directory);
    const newest = indexNumbers(this.#directory)[0] ?? 1;
    try {
      this.#open = this.#openNumber(newest);
    } catch (error) {
      if (!(error instanceof UnusableIndex)) throw error;
      this.#open = this.#openNumber(newest + 1);
    }
    return this.#open;
  }

  #openNumber(number: number): OpenIndex {
    const file = indexFile(this.#directory, number);
    const db = openForWriting(file, placeOfStore(this.#directory));
    return { number, file, db, paths: new StoredPathBook(db) };
  }

  async #applyTo(index: OpenIndex, batch: RecordBatch): Promise<BatchOutcome> {
    const { db, paths, number } = index;
    db.exec("BEGIN IMMEDIATE");
    let isFull = false;
    try {
      const cursor = metaOf(db, "cursor");
      if ((cursor === undefined ? undefined : String(cursor)) !== batch.since) {
        db.exec("ROLLBACK");
        return "overtaken";
      }
      isFull = await this.#writeBatch(index, batch);
      setMeta(db, "cursor", batch.cursor);
      setMeta(db, "dirty", 1);
      if (batch.complete) setMeta(db, "ready", 1);
      db.exec("COMMIT");
    } catch (error) {
      if (db.inTransaction) db.exec("ROLLBACK");
      paths.forget();
      throw error;
    }
    if (batch.complete) deleteOlder(this.#directory, number);
    if (isFull) this.renew();
    return "applied";
  }

  /** True when too much of the file is of no use any more. */
  async #writeBatch({ db, paths }: OpenIndex, batch: RecordBatch): Promise<boolean> {
    const rows = new DocumentRows(db, Number(metaOf(db, "texts") ?? 0));
    const namespaces = new Map<string, NamespaceRow>();
    const changed = new Map<NamespaceRow, number>();
    const namespaceOf = (name: string): NamespaceRow => {
      const known = namespaces.get(name) ?? namespaceRow(db, paths, name);
      namespaces.set(name, known);
      return known;
    };
    for (const record of batch.records) {
      const done = await this.#writeRecord(record, { rows, paths, namespaceOf, batch });
      if (done === undefined) continue;
      changed.set(done.namespace, (changed.get(done.namespace) ?? 0) + done.added);
    }
    const publish = db.prepare(
      "UPDATE namespaces SET seq = seq + 1, updated_ms = ?, docs = docs + ? WHERE id = ?",
    );
    for (const [{ id }, added] of changed) publish.run(batch.nowMs, added, id);
    setMeta(db, "texts", rows.texts);
    const live = db.prepare("SELECT sum(docs) AS docs FROM namespaces").get() as { docs: number };
    return rows.texts > deadTextsMin + (1 + deadTextsRatio) * (live.docs ?? 0);
  }

  /** What became of a record; undefined when nothing had to be written. */
  async #writeRecord(
    record: NamedObject,
    into: {
      readonly rows: DocumentRows;
      readonly paths: StoredPathBook;
      readonly namespaceOf: (name: string) => NamespaceRow;
      readonly batch: RecordBatch;
    },
  ): Promise<{ readonly namespace: NamespaceRow; readonly added: number } | undefined> {
    const { rows, paths, batch } = into;
    const document = committedDocument(record, this.#openState);
    if (document === undefined) return undefined;
    const { key, stamp } = document;
    const namespace = into.namespaceOf(document.namespace);
    const row = rows.find(namespace.id, key);
    if (stamp === undefined) {
      return rows.remove(row) || batch.force ? { namespace, added: row ? -1 : 0 } : undefined;
    }
    if (row?.stamp === stamp && !batch.force) return undefined;
    const terms = await document.terms(namespace.root, paths);
    rows.write({ ns: namespace.id, key, stamp }, row, terms);
    return { namespace, added: row === undefined ? 1 : 0 };
  }
}

function namespaceRow(db: Database.Database, paths: StoredPathBook, name: string): NamespaceRow {
  const find = db.prepare("SELECT id, root FROM namespaces WHERE name = ?");
  const found = find.get(name) as NamespaceRow | undefined;
  if (found !== undefined) return found;
  const root = paths.root(name);
  const insert = db.prepare(
    "INSERT INTO namespaces(name, root, seq, updated_ms, docs) VALUES(?, ?, 0, 0, 0)",
  );
  return { id: Number(insert.run(name, root).lastInsertRowid), root };
}

function setMeta(db: Database.Database, key: string, value: string | number): void {
  db.prepare("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)").run(key, value);
}
