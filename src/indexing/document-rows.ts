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
  /** Entry of the trigram index; 0: none. */
  readonly text: number;
  /** Digest of what that entry holds. */
  readonly parts: string;
}

/** What becomes of a document's part of the trigram index. */
interface TextChange {
  readonly text: number;
  readonly parts: string;
}

const noText: TextChange = { text: 0, parts: "" };
const noTerms = "[]";

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
    this.#replaceTerms(row.id, row.terms, noTerms);
    if (row.text !== 0) this.#statements.deleteText.run(row.text);
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
    const terms = extraction.kind === "terms" ? JSON.stringify(extraction.terms) : noTerms;
    const loose = parts === undefined ? 1 : 0;
    const { ns, key, stamp } = place;
    const statements = this.#statements;
    const id = row?.id ?? Number(statements.insertDoc.run(ns, key, loose).lastInsertRowid);
    if (row !== undefined) statements.loosen.run(loose, id, loose);
    this.#replaceTerms(id, row?.terms ?? noTerms, terms);
    const text = this.#replaceText(row, { ns, id, parts: parts ?? "" });
    statements.putState.run(id, stamp, terms, text.text, text.parts);
  }

  #replaceTerms(doc: number, before: string, after: string): void {
    if (before === after) return;
    const gone = new Map<string, Term>();
    for (const term of JSON.parse(before) as Term[]) gone.set(term.join(" "), term);
    const { insertTerm, deleteTerm } = this.#statements;
    for (const term of JSON.parse(after) as Term[]) {
      if (!gone.delete(term.join(" "))) insertTerm.run(term[0], term[1], term[2], doc);
    }
    for (const [path, kind, value] of gone.values()) deleteTerm.run(path, kind, value, doc);
  }

  #replaceText(
    row: DocumentRow | undefined,
    next: { readonly ns: number; readonly id: number; readonly parts: string },
  ): TextChange {
    const digest = isSearchable(next.parts) ? hash("sha256", next.parts, "base64") : "";
    if (row !== undefined && row.parts === digest) return { text: row.text, parts: digest };
    const { deleteText, insertText, insertGrams } = this.#statements;
    if (row !== undefined && row.text !== 0) deleteText.run(row.text);
    if (digest === "") return noText;
    this.texts += 1;
    insertGrams.run(this.texts, searchableParts(next.parts));
    insertText.run(this.texts, next.ns, next.id);
    return { text: this.texts, parts: digest };
  }
}

function prepare(db: Database.Database) {
  return {
    find: db.prepare(
      "SELECT docs.id, stamp, terms, text, parts FROM docs " +
        "JOIN doc_state ON doc = docs.id WHERE ns = ? AND key = ?",
    ),
    insertDoc: db.prepare("INSERT INTO docs(ns, key, loose) VALUES(?, ?, ?)"),
    loosen: db.prepare("UPDATE docs SET loose = ? WHERE id = ? AND loose <> ?"),
    deleteDoc: db.prepare("DELETE FROM docs WHERE id = ?"),
    putState: db.prepare(
      "INSERT INTO doc_state(doc, stamp, terms, text, parts) VALUES(?, ?, ?, ?, ?) " +
        "ON CONFLICT(doc) DO UPDATE SET stamp = excluded.stamp, terms = excluded.terms, " +
        "text = excluded.text, parts = excluded.parts",
    ),
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
