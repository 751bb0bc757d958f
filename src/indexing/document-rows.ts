/** The rows of documents: what changed of a document is written, and nothing else. */
import { hash } from "node:crypto";
import type Database from "better-sqlite3";
import type { Extraction } from "../engine/query/index/document-terms.ts";
import type { Term } from "../engine/query/index/term.ts";
import { isSearchable, searchableParts } from "./trigrams.ts";

interface DocumentRow {
  readonly id: number;
  readonly stamp: string;
  readonly terms: string;
  readonly short: number;
  readonly short_digest: string;
  readonly long: number;
  readonly long_digest: string;
}

/** An entry of the trigram index (0: none), and the digest of what it holds. */
interface TextEntry {
  readonly id: number;
  readonly digest: string;
}

const noText: TextEntry = { id: 0, digest: "" };

export class DocumentRows {
  readonly #statements: ReturnType<typeof prepare>;
  /** Entries of the trigram index ever made; the next one is one more. */
  texts: number;

  constructor(db: Database.Database, texts: number) {
    this.#statements = prepare(db);
    this.texts = texts;
  }

  find(ns: number, key: string): DocumentRow | undefined {
    return this.#statements.find.get(ns, key) as DocumentRow | undefined;
  }

  /** True when it was there. */
  remove(row: DocumentRow | undefined): boolean {
    if (row === undefined) return false;
    this.#replaceTerms(row.id, row.terms, []);
    for (const text of [row.short, row.long]) if (text !== 0) this.#deleteText(text);
    this.#statements.deleteState.run(row.id);
    this.#statements.deleteDoc.run(row.id);
    return true;
  }

  write(
    place: { readonly ns: number; readonly key: string; readonly stamp: string },
    row: DocumentRow | undefined,
    extraction: Extraction,
  ): void {
    const parts = extraction.kind === "terms" ? extraction.parts : undefined;
    const terms = extraction.kind === "terms" ? extraction.terms : [];
    const termsText = JSON.stringify(terms);
    const loose = parts === undefined ? 1 : 0;
    const { ns, key, stamp } = place;
    const statements = this.#statements;
    const id = row?.id ?? Number(statements.insertDoc.run(ns, key, loose).lastInsertRowid);
    if (row !== undefined) statements.loosen.run(loose, id, loose);
    if (row?.terms !== termsText) this.#replaceTerms(id, row?.terms ?? "[]", terms);
    const [oldShort, oldLong] = row === undefined ? [noText, noText] : entriesOf(row);
    const short = this.#replaceText(oldShort, { ns, id, parts: parts?.short ?? "" });
    const long = this.#replaceText(oldLong, { ns, id, parts: parts?.long ?? "" });
    statements.putState.run(id, stamp, termsText, short.id, short.digest, long.id, long.digest);
  }

  #replaceTerms(doc: number, before: string, after: readonly Term[]): void {
    const { gone, fresh } = termChanges(JSON.parse(before) as Term[], after);
    const { insertTerm, deleteTerm } = this.#statements;
    for (const [path, kind, value] of gone) deleteTerm.run(path, kind, value, doc);
    for (const [path, kind, value] of fresh) insertTerm.run(path, kind, value, doc);
  }

  #replaceText(
    before: TextEntry,
    next: { readonly ns: number; readonly id: number; readonly parts: string },
  ): TextEntry {
    const digest = isSearchable(next.parts) ? hash("sha256", next.parts, "base64") : "";
    if (before.digest === digest) return before;
    if (before.id !== 0) this.#deleteText(before.id);
    if (digest === "") return noText;
    this.texts += 1;
    this.#statements.insertGrams.run(this.texts, searchableParts(next.parts));
    this.#statements.insertText.run(this.texts, next.ns, next.id);
    return { id: this.texts, digest };
  }

  #deleteText(id: number): void {
    this.#statements.deleteText.run(id);
  }
}

interface TermChanges {
  /** To be taken away first: a term may be in both. */
  readonly gone: readonly Term[];
  readonly fresh: readonly Term[];
}

/** A document usually keeps its shape; then its terms are compared one by one, without names. */
function termChanges(before: readonly Term[], after: readonly Term[]): TermChanges {
  if (before.length === 0) return { gone: [], fresh: after };
  const gone: Term[] = [];
  const fresh: Term[] = [];
  for (const [at, term] of after.entries()) {
    const old = before[at];
    if (before.length !== after.length || old?.[0] !== term[0] || old[1] !== term[1]) {
      return changesByName(before, after);
    }
    if (old[2] === term[2]) continue;
    gone.push(old);
    fresh.push(term);
  }
  return after.length === 0 ? { gone: before, fresh: [] } : { gone, fresh };
}

function changesByName(before: readonly Term[], after: readonly Term[]): TermChanges {
  const gone = new Map(before.map((term) => [term.join(" "), term]));
  const fresh = after.filter((term) => !gone.delete(term.join(" ")));
  return { gone: [...gone.values()], fresh };
}

function entriesOf(row: DocumentRow): readonly [short: TextEntry, long: TextEntry] {
  const { short, short_digest, long, long_digest } = row;
  return [
    { id: short, digest: short_digest },
    { id: long, digest: long_digest },
  ];
}

function prepare(db: Database.Database) {
  return {
    find: db.prepare(
      "SELECT docs.id, stamp, terms, short, short_digest, long, long_digest FROM docs " +
        "JOIN doc_state ON doc = docs.id WHERE ns = ? AND key = ?",
    ),
    insertDoc: db.prepare("INSERT INTO docs(ns, key, loose) VALUES(?, ?, ?)"),
    loosen: db.prepare("UPDATE docs SET loose = ? WHERE id = ? AND loose <> ?"),
    deleteDoc: db.prepare("DELETE FROM docs WHERE id = ?"),
    putState: db.prepare("INSERT OR REPLACE INTO doc_state VALUES(?, ?, ?, ?, ?, ?, ?)"),
    deleteState: db.prepare("DELETE FROM doc_state WHERE doc = ?"),
    insertTerm: db.prepare(
      "INSERT OR IGNORE INTO terms(path, kind, value, doc) VALUES(?, ?, ?, ?)",
    ),
    deleteTerm: db.prepare(
      "DELETE FROM terms WHERE path = ? AND kind = ? AND value = ? AND doc = ?",
    ),
    insertText: db.prepare("INSERT INTO texts(id, ns, doc) VALUES(?, ?, ?)"),
    deleteText: db.prepare("DELETE FROM texts WHERE id = ?"),
    insertGrams: db.prepare("INSERT INTO grams(rowid, parts) VALUES(?, ?)"),
  };
}
