/** Finds candidates in an index file, on the thread of the caller: a lookup takes microseconds. */
import { setImmediate as turn } from "node:timers/promises";
import type Database from "better-sqlite3";
import type { FoundKeys, KeyLookup } from "../engine/ports/term-store.ts";
import { PlanLookup } from "./plan-lookup.ts";
import { StoredPathLookup } from "./stored-paths.ts";

/**
 * Documents collected for one page, least and most. Between them as many as make collecting cost
 * what it saves: more documents than the square root below are read faster one after the other
 * until the page is full.
 */
const collectedMin = 1_000;
const collectedMax = 30_000;

/** What reading and checking a document costs, in collected documents. */
const checkCost = 8;

/** Ids turned into keys at a time, between which others have their turn. */
const keySliceMax = 4_000;

interface NamespaceRow {
  readonly id: number;
  readonly root: number;
  readonly seq: number;
  readonly updated_ms: number;
  readonly docs: number;
}

export class IndexReader {
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #lookup: PlanLookup;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#statements = prepare(db);
    this.#lookup = new PlanLookup(db, new StoredPathLookup(db));
  }

  async find(lookup: KeyLookup): Promise<FoundKeys> {
    const { namespace, plan, limit, signal } = lookup;
    const row = this.#namespace(namespace);
    if (row === undefined) return { kind: "keys", keys: [], more: false };
    const after = lookup.after ?? "";
    const worthIt = Math.round(Math.sqrt(checkCost * limit * row.docs));
    const documentsMax = Math.min(Math.max(worthIt, collectedMin), collectedMax);
    const found = this.#lookup.documents(plan, { ns: row.id, root: row.root, documentsMax });
    const loose = this.#statements.loose.all(row.id, documentsMax + 1) as number[];
    if (found === undefined || loose.length > documentsMax) {
      return pageOf(this.#statements.walk.all(row.id, after, limit + 1) as string[], limit);
    }
    const ids = loose.length === 0 ? [...found] : [...new Set([...found, ...loose])];
    return this.#keysOf(ids, { after, limit, signal });
  }

  status(namespace: string): { readonly seq: number; readonly updatedAtMs: number | undefined } {
    const row = this.#namespace(namespace);
    return { seq: row?.seq ?? 0, updatedAtMs: row?.updated_ms };
  }

  close(): void {
    this.#db.close();
  }

  #namespace(name: string): NamespaceRow | undefined {
    return this.#statements.namespace.get(name) as NamespaceRow | undefined;
  }

  /** The first keys of the documents behind `after`. */
  async #keysOf(
    ids: readonly number[],
    page: {
      readonly after: string;
      readonly limit: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<FoundKeys> {
    const { after, limit, signal } = page;
    let keys: string[] = [];
    for (let at = 0; at < ids.length; at += keySliceMax) {
      if (at > 0) await turn();
      signal?.throwIfAborted();
      const slice = JSON.stringify(ids.slice(at, at + keySliceMax));
      const some = this.#statements.keys.all(slice, after, limit + 1) as string[];
      // Keys are ASCII: their order as texts is their order as bytes.
      keys = at === 0 ? some : [...keys, ...some].sort().slice(0, limit + 1);
    }
    return pageOf(keys, limit);
  }
}

function pageOf(keys: readonly string[], limit: number): FoundKeys {
  return { kind: "keys", keys: keys.slice(0, limit), more: keys.length > limit };
}

function prepare(db: Database.Database) {
  return {
    namespace: db.prepare("SELECT id, root, seq, updated_ms, docs FROM namespaces WHERE name = ?"),
    loose: db.prepare("SELECT id FROM docs WHERE ns = ? AND loose = 1 LIMIT ?").pluck(),
    walk: db.prepare("SELECT key FROM docs WHERE ns = ? AND key > ? ORDER BY key LIMIT ?").pluck(),
    keys: db
      .prepare(
        "SELECT key FROM docs WHERE id IN (SELECT value FROM json_each(?)) AND key > ? " +
          "ORDER BY key LIMIT ?",
      )
      .pluck(),
  };
}
