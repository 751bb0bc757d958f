/** Documents that a plan finds in the terms; or that they are too many to be worth finding. */
import type Database from "better-sqlite3";
import type { IndexPlan, Probe } from "../engine/query/index/index-plan.ts";
import { clausesLookedUpMax } from "../engine/query/index/limits.ts";
import { type PathLookup, pathsOf } from "../engine/query/index/path-book.ts";
import { isCutText, termKinds } from "../engine/query/index/term.ts";
import { trigramQuery } from "./trigrams.ts";

/** Documents so few that checking them costs less than looking up another clause. */
const fewDocuments = 32;

type Lookup = Extract<IndexPlan, { readonly kind: "lookup" }>;

/** Ids of documents; undefined: too many, every document is a candidate. */
export type DocumentSet = ReadonlySet<number> | undefined;

/** Where to look, and the number of documents beyond which looking is given up. */
export interface LookupScope {
  readonly ns: number;
  readonly root: number;
  readonly documentsMax: number;
}

/** What a lookup costs and finds, by the look of it; the cheapest of several comes first. */
const probeCosts = { text: 0, range: 2, prefix: 1, part: 3, present: 4 } as const;

function costOf(plan: IndexPlan): number {
  if (plan.kind === "all") return Number.POSITIVE_INFINITY;
  if (plan.kind !== "lookup") return 2;
  const costs = plan.probes.map((probe) =>
    probe.kind === "range" && probe.from === probe.to ? 0 : probeCosts[probe.kind],
  );
  return Math.max(0, ...costs);
}

/** Keys found together with their documents at most; of more only the ids are collected. */
const fewKeysMax = 128;

export class PlanLookup {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #paths: PathLookup;

  constructor(db: Database.Database, paths: PathLookup) {
    this.#statements = prepare(db);
    this.#paths = paths;
  }

  documents(plan: IndexPlan, scope: LookupScope): DocumentSet {
    return new PlanRun(this.#statements, this.#paths, scope).documents(plan);
  }

  /**
   * The keys of a plan that asks one path for one value, in byte order and in one statement for
   * each way to write it; undefined for any other plan, and when they are many.
   */
  fewKeys(plan: IndexPlan, { root }: Pick<LookupScope, "root">): readonly string[] | undefined {
    if (plan.kind !== "lookup" || !plan.probes.every(isEquality)) return undefined;
    const paths = pathsOf(plan.path, root, this.#paths);
    if (paths === undefined) return undefined;
    const found = new Set<string>();
    for (const path of paths) {
      for (const probe of plan.probes) {
        const keys = this.#keysOf(path, probe);
        if (keys.length > fewKeysMax) return undefined;
        for (const key of keys) found.add(key);
      }
    }
    // Keys are ASCII: their order as texts is their order as bytes.
    return [...found].sort();
  }

  #keysOf(path: number, probe: Probe): readonly string[] {
    const { keysOfText, keysOfNumber } = this.#statements;
    if (probe.kind === "text") return keysOfText.all(path, probe.text, fewKeysMax + 1) as string[];
    if (probe.kind !== "range") return [];
    return keysOfNumber.all(path, probe.of, probe.from, fewKeysMax + 1) as string[];
  }
}

function isEquality(probe: Probe): boolean {
  return probe.kind === "text" || (probe.kind === "range" && probe.from === probe.to);
}

/** One evaluation; it counts the clauses it looks up. */
class PlanRun {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #paths: PathLookup;
  readonly #scope: LookupScope;
  #lookups = 0;

  constructor(statements: ReturnType<typeof prepare>, paths: PathLookup, scope: LookupScope) {
    this.#statements = statements;
    this.#paths = paths;
    this.#scope = scope;
  }

  documents(plan: IndexPlan): DocumentSet {
    switch (plan.kind) {
      case "all":
        return undefined;
      case "every":
        return this.#every(plan.of);
      case "some":
        return this.#some(plan.of);
      case "lookup":
        return this.#lookup(plan);
    }
  }

  #every(plans: readonly IndexPlan[]): DocumentSet {
    let result: DocumentSet;
    for (const plan of [...plans].sort((one, other) => costOf(one) - costOf(other))) {
      if (result !== undefined && result.size <= fewDocuments) return result;
      const found = this.documents(plan);
      if (found === undefined) continue;
      result = result === undefined ? found : intersection(result, found);
    }
    return result;
  }

  #some(plans: readonly IndexPlan[]): DocumentSet {
    const union = new Set<number>();
    for (const plan of plans) {
      const found = this.documents(plan);
      if (found === undefined) return undefined;
      for (const id of found) union.add(id);
      if (union.size > this.#scope.documentsMax) return undefined;
    }
    return union;
  }

  #lookup({ path, probes }: Lookup): DocumentSet {
    this.#lookups += 1;
    if (this.#lookups > clausesLookedUpMax) return undefined;
    const paths = pathsOf(path, this.#scope.root, this.#paths);
    if (paths === undefined) return undefined;
    const found = new Set<number>();
    for (const probe of probes) {
      const query = probe.kind === "part" ? trigramQuery(probe.text) : undefined;
      if (query !== undefined) {
        // Trigrams know no paths; but where there is no path there is nothing to find.
        const part = paths.length === 0 ? [] : this.#withTrigrams(query);
        if (!this.#add(found, part)) return undefined;
        continue;
      }
      for (const id of paths) if (!this.#add(found, this.#probe(id, probe))) return undefined;
    }
    return found;
  }

  /** False when it has become too much. */
  #add(found: Set<number>, ids: readonly number[] | undefined): boolean {
    if (ids === undefined) return false;
    for (const id of ids) found.add(id);
    return ids.length <= this.#scope.documentsMax && found.size <= this.#scope.documentsMax;
  }

  #withTrigrams(query: string): number[] {
    const { ns, documentsMax } = this.#scope;
    return this.#statements.trigrams.all(query, ns, documentsMax + 1) as number[];
  }

  #probe(path: number, probe: Probe): number[] | undefined {
    const limit = this.#scope.documentsMax + 1;
    const { text, between, range, present, texts } = this.#statements;
    switch (probe.kind) {
      case "text":
        return text.all(path, probe.text, limit) as number[];
      case "prefix":
        return between.all(path, probe.text, `${probe.text}\u{10ffff}`, limit) as number[];
      case "range":
        return range.all(path, probe.of, probe.from, probe.to, limit) as number[];
      case "present":
        return present.all(path, probe.of, limit) as number[];
      case "part": {
        const rows = texts.all(path, limit) as [number, string][];
        if (rows.length === limit) return undefined;
        return rows
          .filter(([, value]) => value.includes(probe.text) || isCutText(value))
          .map(([doc]) => doc);
      }
    }
  }
}

function intersection(one: ReadonlySet<number>, other: ReadonlySet<number>): Set<number> {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  const both = new Set<number>();
  for (const id of small) if (large.has(id)) both.add(id);
  return both;
}

function prepare(db: Database.Database) {
  const documents = "SELECT doc FROM terms WHERE path = ?";
  const ofText = `kind = ${termKinds.text}`;
  const keys = "SELECT key FROM terms CROSS JOIN docs ON docs.id = doc WHERE path = ?";
  return {
    keysOfText: db.prepare(`${keys} AND ${ofText} AND value = ? LIMIT ?`).pluck(),
    keysOfNumber: db.prepare(`${keys} AND kind = ? AND value = ? LIMIT ?`).pluck(),
    text: db.prepare(`${documents} AND ${ofText} AND value = ? LIMIT ?`).pluck(),
    between: db.prepare(`${documents} AND ${ofText} AND value >= ? AND value < ? LIMIT ?`).pluck(),
    range: db.prepare(`${documents} AND kind = ? AND value >= ? AND value <= ? LIMIT ?`).pluck(),
    present: db.prepare(`${documents} AND kind = ? LIMIT ?`).pluck(),
    texts: db.prepare(`SELECT doc, value FROM terms WHERE path = ? AND ${ofText} LIMIT ?`).raw(),
    trigrams: db
      .prepare(
        "SELECT doc FROM grams JOIN texts ON texts.id = grams.rowid " +
          "WHERE grams MATCH ? AND ns = ? LIMIT ?",
      )
      .pluck(),
  };
}
