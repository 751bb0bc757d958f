/**
 * The rows of a disk store: one SQLite file, WAL, `synchronous=FULL`. Every call is synchronous and
 * never waits for a lock: a busy database is a failure "unavailable" that the caller repeats later,
 * so that no event loop sleeps in here.
 */
import { closeSync, constants, openSync } from "node:fs";
import Database from "better-sqlite3";
import {
  type ApplyResult,
  type NamedObject,
  type NamePage,
  type ObjectPage,
  type Plan,
  type Step,
  type StoredObject,
  type StoreFailure,
  scanBytesMax,
  type VersionTag,
} from "../../engine/ports/store.ts";
import { byBytes } from "../byte-order.ts";
import {
  checkVersion,
  giveRowIds,
  isTracked,
  isWithoutRowIds,
  prepareForWriting,
} from "./rows-schema.ts";
import { codeOf, storeFailureOf } from "./sqlite-failure.ts";

interface Row {
  readonly bytes: Buffer;
  readonly seq: number;
}

/** A row as the journal moves it; `bytes` undefined = deleted. */
export interface MovedRow {
  readonly name: string;
  readonly bytes: Uint8Array | undefined;
  readonly seq: number;
}

/** Throws inside a write transaction to refuse it (somebody else owns the store). */
export type WriteGuard = () => void;

export class SqliteRows {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;

  private constructor(path: string, db: Database.Database) {
    this.path = path;
    this.#db = db;
    this.#statements = prepare(db);
  }

  /**
   * Opens (and creates) the database.
   * @throws StoreFailure, store_version_unknown
   */
  static open(options: { readonly path: string; readonly readonly?: boolean }): SqliteRows {
    const { path } = options;
    let db: Database.Database | undefined;
    try {
      const readonly = options.readonly ?? false;
      if (!readonly) makePrivateFile(path);
      db = new Database(path, { readonly, timeout: 0 });
      if (options.readonly !== true) prepareForWriting(db, path);
      checkVersion(db, path);
      return new SqliteRows(path, db);
    } catch (error) {
      db?.close();
      throw codeOf(error) === "store_version_unknown" ? error : storeFailureOf(error, path);
    }
  }

  /** False for a store of the first lockds: all works, only slower (rows-schema.ts). */
  get hasRowIds(): boolean {
    return this.#call(() => !isWithoutRowIds(this.#db));
  }

  /**
   * Makes it so, in one durable transaction for which there has to be room: once more as much as
   * the objects take.
   * @throws StoreFailure; then all is as it was. CommitOutcomeUnknown; then it is that or done
   */
  giveRowIds(): void {
    this.#begin();
    try {
      if (isWithoutRowIds(this.#db)) giveRowIds(this.#db);
    } catch (error) {
      this.#rollBack();
      throw storeFailureOf(error, this.path);
    }
    this.#commit();
    try {
      this.#db.pragma("wal_checkpoint(TRUNCATE)");
    } catch {
      // Then the log stays as long as the table for a while; what is in it is durable.
    }
  }

  get(name: string): StoredObject | undefined {
    const row = this.#call(() => this.#statements.get.get(name) as Row | undefined);
    return row === undefined ? undefined : { bytes: row.bytes, tag: tagOf(row.seq) };
  }

  /** The sequence of a name's last write, without its bytes; undefined = absent. */
  seqOf(name: string): number | undefined {
    return this.#call(() => this.#storedSeq(name));
  }

  /** As many reads in one statement: what a read costs is mostly its beginning and its end. */
  getMany(names: readonly string[]): (StoredObject | undefined)[] {
    const found = new Array<StoredObject | undefined>(names.length).fill(undefined);
    if (names.length === 0) return found;
    const rows = this.#call(() => this.#statements.getMany.all(JSON.stringify(names)));
    for (const { at, bytes, seq } of rows as (Row & { readonly at: number })[]) {
      found[at] = { bytes, tag: tagOf(seq) };
    }
    return found;
  }

  /**
   * Applies plans in one durable transaction, each all or nothing.
   * @throws StoreFailure when certainly nothing was written; what `guard` throws
   */
  applyPlans(plans: readonly Plan[], guard: WriteGuard): ApplyResult[] {
    this.#begin();
    let results: ApplyResult[];
    try {
      guard();
      let seq = this.#lastSeq();
      results = plans.map((plan) => {
        const step = this.#firstFailing(plan);
        if (step !== -1) return { kind: "conflict", step };
        const tags = plan.map((one) => this.#perform(one, ++seq));
        return { kind: "applied", tags };
      });
      this.#statements.setMeta.run("seq", seq);
    } catch (error) {
      this.#rollBack();
      throw codeOf(error) === "" ? error : storeFailureOf(error, this.path);
    }
    this.#commit();
    return results;
  }

  /**
   * Takes over what the journal holds. Rows up to the known sequence are here already and skipped:
   * writing them again could bring back what was changed or deleted since.
   */
  writeMoved(rows: Iterable<MovedRow>, lastSeq: number): void {
    this.#begin();
    try {
      const known = this.#lastSeq();
      for (const { name, bytes, seq } of rows) {
        if (seq <= known) continue;
        if (bytes === undefined) this.#statements.delete.run(name);
        else this.#statements.put.run(name, seq, bytes);
      }
      this.#statements.setMeta.run("seq", Math.max(lastSeq, known));
    } catch (error) {
      this.#rollBack();
      throw storeFailureOf(error, this.path);
    }
    this.#commit();
  }

  lastSeq(): number {
    return this.#call(() => this.#lastSeq());
  }

  /** Names in byte order after `after`. */
  list(prefix: string, after: string | undefined, limit: number): NamePage {
    const from = after === undefined || byBytes(after, prefix) < 0 ? prefix : after;
    const rows = this.#call(() => {
      const found = this.#statements.list.all({
        from,
        after: after ?? "",
        prefix,
        limit: limit + 1,
      });
      return found as { name: string }[];
    });
    const names = rows.slice(0, limit).map(({ name }) => name);
    return { names, more: rows.length > limit };
  }

  /** Objects in byte order after `after`. */
  scan(prefix: string, after: string | undefined, limit: number): ObjectPage {
    return this.#call(() => {
      const from = after === undefined || byBytes(after, prefix) < 0 ? prefix : after;
      const page = { from, after: after ?? "", prefix, limit: limit + 1 };
      const objects: NamedObject[] = [];
      let size = 0;
      for (const found of this.#statements.scan.iterate(page)) {
        const { name, bytes, seq } = found as Row & { readonly name: string };
        if (objects.length === limit || (size + bytes.length > scanBytesMax && size > 0)) {
          return { objects, more: true };
        }
        size += bytes.length;
        objects.push({ name, bytes, tag: tagOf(seq) });
      }
      return { objects, more: false };
    });
  }

  /** Tracked objects written after a sequence, in the order of their sequences. */
  changes(after: number, limit: number): ObjectPage {
    return this.#call(() => {
      const objects: NamedObject[] = [];
      let size = 0;
      for (const found of this.#statements.changes.iterate(after, limit + 1)) {
        const { name, bytes, seq } = found as Row & { readonly name: string };
        if (objects.length === limit || (size + bytes.length > scanBytesMax && size > 0)) {
          return { objects, more: true };
        }
        size += bytes.length;
        objects.push({ name, bytes, tag: tagOf(seq) });
      }
      return { objects, more: false };
    });
  }

  getMeta(key: string): string | undefined {
    return this.#call(() => this.#meta(key));
  }

  /** Writes (undefined: deletes) meta values in one durable transaction. */
  setMeta(values: Readonly<Record<string, string | undefined>>): void {
    this.#begin();
    try {
      for (const [key, value] of Object.entries(values)) {
        if (value === undefined) this.#statements.deleteMeta.run(key);
        else this.#statements.setMeta.run(key, value);
      }
    } catch (error) {
      this.#rollBack();
      throw storeFailureOf(error, this.path);
    }
    this.#commit();
  }

  close(): void {
    this.#db.close();
  }

  #meta(key: string): string | undefined {
    const row = this.#statements.meta.get(key) as { value: string | number } | undefined;
    return row === undefined ? undefined : String(row.value);
  }

  #storedSeq(name: string): number | undefined {
    return this.#statements.seq.get(name) as number | undefined;
  }

  #lastSeq(): number {
    return Number(this.#meta("seq") ?? 0);
  }

  #firstFailing(plan: Plan): number {
    // Names an earlier step of this plan changes; the tag of a put to come equals no known one.
    const changed = new Map<string, VersionTag | undefined>();
    return plan.findIndex(({ name, when, kind }) => {
      const seq = this.#storedSeq(name);
      const stored = seq === undefined ? undefined : tagOf(seq);
      const tag = changed.has(name) ? changed.get(name) : stored;
      changed.set(name, kind === "put" ? ("pending" as VersionTag) : undefined);
      if (when.kind === "any") return false;
      return when.kind === "absent" ? tag !== undefined : tag !== when.tag;
    });
  }

  #perform(step: Step, seq: number): VersionTag | undefined {
    if (step.kind === "delete") {
      this.#statements.delete.run(step.name);
      return undefined;
    }
    this.#statements.put.run(step.name, seq, step.bytes);
    return tagOf(seq);
  }

  #begin(): void {
    this.#call(() => this.#statements.begin.run());
  }

  #rollBack(): void {
    if (this.#db.inTransaction) this.#statements.rollback.run();
  }

  /** @throws StoreFailure when nothing is durable, CommitOutcomeUnknown when that is not known */
  #commit(): void {
    try {
      this.#statements.commit.run();
    } catch (error) {
      // A full disk or a busy file fails before anything is durable; a failed sync may not.
      this.#rollBack();
      const translated = storeFailureOf(error, this.path);
      if (translated.kind !== "failed") throw translated;
      throw new CommitOutcomeUnknown(translated);
    }
  }

  #call<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw storeFailureOf(error, this.path);
    }
  }
}

/** The device failed during a commit: it may or may not be durable. */
export class CommitOutcomeUnknown extends Error {
  override readonly name = "CommitOutcomeUnknown";
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}

export function tagOf(seq: number): VersionTag {
  return String(seq) as VersionTag;
}

function prepare(db: Database.Database) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),
    get: db.prepare("SELECT bytes, seq FROM objects WHERE name = ?"),
    getMany: db.prepare(
      "SELECT wanted.key AS at, bytes, seq FROM json_each(?) AS wanted " +
        "CROSS JOIN objects ON objects.name = wanted.value",
    ),
    seq: db.prepare("SELECT seq FROM objects WHERE name = ?").pluck(),
    put: db.prepare(
      "INSERT INTO objects(name, seq, bytes) VALUES(?, ?, ?) " +
        "ON CONFLICT(name) DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes",
    ),
    delete: db.prepare("DELETE FROM objects WHERE name = ?"),
    list: db.prepare(
      "SELECT name FROM objects WHERE name >= @from AND name > @after " +
        "AND name < @prefix || char(1114111) ORDER BY name LIMIT @limit",
    ),
    scan: db.prepare(
      "SELECT name, seq, bytes FROM objects WHERE name >= @from AND name > @after " +
        "AND name < @prefix || char(1114111) ORDER BY name LIMIT @limit",
    ),
    changes: db.prepare(
      "SELECT name, seq, bytes FROM objects " +
        `WHERE seq > ? AND ${isTracked} ORDER BY seq LIMIT ?`,
    ),
    meta: db.prepare("SELECT value FROM meta WHERE key = ?"),
    setMeta: db.prepare(
      "INSERT INTO meta(key, value) VALUES(?, ?) " +
        "ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    ),
    deleteMeta: db.prepare("DELETE FROM meta WHERE key = ?"),
  };
}

/** Made by us, so that nobody else on the machine can read it; SQLite's side files follow suit. */
function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600));
  } catch (error) {
    throw storeFailureOf(error, path);
  }
}
