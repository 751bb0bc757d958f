/** Finds candidates in an index file, on the thread of the caller: a lookup takes microseconds. */
import { setImmediate as turn } from "node:timers/promises";
import type Database from "better-sqlite3";
import type { FoundKeys, KeyLookup, Publication } from "../engine/ports/term-store.ts";
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
  /** 1 when there are documents that every query has to look at. */
  readonly loose: number;
}

type Found =
  /** Keys behind `after` in byte order: of a page and one more, if there are as many. */
  | { readonly kind: "keys"; readonly keys: readonly string[] }
  /** Documents in no order, whose keys are still to be read. */
  | { readonly kind: "documents"; readonly ids: readonly number[] };

/** What one look at a publication gave. */
interface Collected {
  /** Undefined when nothing of the namespace was ever published. */
  readonly row: NamespaceRow | undefined;
  readonly found: Found;
}

const noKeys: Found = { kind: "keys", keys: [] };

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
    const { after = "", limit, signal } = lookup;
    const { row, found } = this.#inOneView(() => this.#collect(lookup, after));
    const keys =
      found.kind === "keys" ? found.keys : await this.#keysOf(found.ids, { after, limit, signal });
    const publication = publicationOf(row);
    return { kind: "keys", keys: keys.slice(0, limit), more: keys.length > limit, publication };
  }

  #collect(lookup: KeyLookup, after: string): Collected {
    const row = this.#namespace(lookup.namespace);
    const found = row === undefined ? noKeys : this.#collectOf(row, lookup, after);
    return { row, found };
  }

  #collectOf(row: NamespaceRow, { plan, limit }: KeyLookup, after: string): Found {
    const few = row.loose === 1 ? undefined : this.#lookup.fewKeys(plan, row);
    if (few !== undefined) {
      return { kind: "keys", keys: after === "" ? few : few.filter((key) => key > after) };
    }
    const worthIt = Math.round(Math.sqrt(checkCost * limit * row.docs));
    const documentsMax = Math.min(Math.max(worthIt, collectedMin), collectedMax);
    const found = this.#lookup.documents(plan, { ns: row.id, root: row.root, documentsMax });
    const loose =
      row.loose === 0 ? [] : (this.#statements.loose.all(row.id, documentsMax + 1) as number[]);
    if (found === undefined || loose.length > documentsMax) {
      const keys = this.#statements.walk.all(row.id, after, limit + 1) as string[];
      return { kind: "keys", keys };
    }
    const ids = loose.length === 0 ? [...found] : [...new Set([...found, ...loose])];
    return { kind: "documents", ids };
  }

  /**
   * Several statements that see the same publication. Between two of them a document could move
   * from where the second looks to where the first has looked.
   */
  #inOneView<T>(look: () => T): T {
    const { begin, end } = this.#statements;
    begin.run();
    try {
      return look();
    } finally {
      // What fails may have ended it, as a disk that cannot be read does; that is to be told of.
      if (this.#db.inTransaction) end.run();
    }
  }

  status(namespace: string): Publication {
    return publicationOf(this.#namespace(namespace));
  }

  close(): void {
    this.#db.close();
  }

  #namespace(name: string): NamespaceRow | undefined {
    return this.#statements.namespace.get(name) as NamespaceRow | undefined;
  }

  /** The first keys of the documents behind `after`, and one more if there is one. */
  async #keysOf(
    ids: readonly number[],
    page: {
      readonly after: string;
      readonly limit: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<readonly string[]> {
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
    return keys;
  }
}

function publicationOf(row: NamespaceRow | undefined): Publication {
  return { seq: row?.seq ?? 0, updatedAtMs: row?.updated_ms };
}

function prepare(db: Database.Database) {
  return {
    begin: db.prepare("BEGIN"),
    end: db.prepare("COMMIT"),
    namespace: db.prepare(
      "SELECT id, root, seq, updated_ms, docs, " +
        "EXISTS(SELECT 1 FROM docs WHERE ns = namespaces.id AND loose = 1) AS loose " +
        "FROM namespaces WHERE name = ?",
    ),
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
