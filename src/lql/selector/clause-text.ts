/** Brace bodies of clauses (query-and-lql.md section 3.3): text to the JSON of a term. */
import { allowedMembers, checkFlag, unknownMember } from "./check-clause.ts";
import { boundJson, type Literal, literalList, literalText } from "./literal.ts";
import type { TermName } from "./selector.ts";
import { SelectorFault, shown } from "./selector-fault.ts";
import { quoteEnd, syntaxError, unquote } from "./split-expressions.ts";

export type TermJson = string | Readonly<Record<string, unknown>>;

/** `member=value` as written, with offsets in the whole text. */
interface WrittenMember {
  readonly name: string;
  readonly literal: Literal;
  readonly nameAt: number;
  readonly valueAt: number;
}

/** The JSON of a term, and where its members' values stand for the messages of its check. */
export interface TermText {
  readonly json: TermJson;
  readonly memberAt: ReadonlyMap<string, number>;
}

/**
 * The JSON of the clause `term{body}`, whose body begins at offset `at`.
 * @throws LqlSyntaxError
 */
export function readClauseBody(term: TermName, body: string, at: number): TermText {
  if (term === "exists") return { json: readBarePath(body, at), memberAt: new Map() };
  const json: Record<string, unknown> = {};
  const memberAt = new Map<string, number>();
  for (const { name, literal, nameAt, valueAt } of new BodyReader(body, at).members()) {
    const member = memberOf(term, name);
    try {
      addMember({ term, json }, name, literal);
    } catch (error) {
      if (!(error instanceof SelectorFault)) throw error;
      throw syntaxError(error.message, member === undefined ? nameAt : valueAt);
    }
    if (member !== undefined) memberAt.set(member, valueAt);
  }
  return { json, memberAt };
}

function readBarePath(body: string, at: number): string {
  const text = body.trim();
  const form = "exists takes one path: exists{/a/b}";
  if (text.startsWith('"') || text.startsWith("'")) {
    if (quoteEnd(text, 0) === text.length - 1) {
      const path = unquote(text);
      if (path.trim() !== "") return path;
    }
    throw syntaxError(form, at);
  }
  if (text === "" || /[=,\s"'{}]/.test(text)) throw syntaxError(form, at);
  return text;
}

const shortNames: Readonly<Record<string, string>> = {
  f: "field",
  v: "value",
  ic: "ignoreCase",
  ignorecase: "ignoreCase",
};

/** The member a written name stands for: any case, and the short forms of the term. */
function memberOf(term: TermName, name: string): string | undefined {
  const word = name.toLowerCase();
  const isDate = term === "date";
  const long =
    (Object.hasOwn(shortNames, word) ? shortNames[word] : undefined) ??
    (word === "a" ? (isDate ? "after" : "any") : undefined) ??
    (word === "b" && isDate ? "before" : undefined) ??
    word;
  return allowedMembers(term).includes(long) ? long : undefined;
}

/** A term that is being put together. */
export interface TermDraft {
  readonly term: TermName;
  readonly json: Record<string, unknown>;
}

/**
 * Adds one written member. The same member twice is fine when both say the same.
 * @throws SelectorFault
 */
export function addMember({ term, json }: TermDraft, name: string, literal: Literal): void {
  const member = memberOf(term, name);
  if (member === undefined) throw unknownMember(term, name);
  const value = memberJson(term, member, literal);
  const before = json[member];
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(value)) {
    throw new SelectorFault(`${member} of ${term} is given twice, with different values`, member);
  }
  json[member] = value;
}

function memberJson(term: TermName, member: string, literal: Literal): unknown {
  if (member === "any") return literalList(term, literal);
  if (member === "ignoreCase") return checkFlag(literal.text);
  if (member === "field" || term === "date") return literal.text;
  return term === "range" ? boundJson(literal.text) : literalText(literal);
}

const separator = /[,\s]/;

/** Reads `name=value` members separated by commas or white space. */
class BodyReader {
  readonly #text: string;
  readonly #offset: number;
  #at = 0;

  constructor(text: string, offset: number) {
    this.#text = text;
    this.#offset = offset;
  }

  *members(): Iterable<WrittenMember> {
    for (;;) {
      this.#skip(separator);
      if (this.#at >= this.#text.length) return;
      yield this.#member();
    }
  }

  #member(): WrittenMember {
    const nameAt = this.#at + this.#offset;
    const name = this.#name();
    this.#skip(/[ \t]/);
    if (this.#text[this.#at] !== "=" || name === "") throw this.#noMember(name, nameAt);
    this.#at += 1;
    this.#skip(/[ \t]/);
    const valueAt = this.#at + this.#offset;
    return { name, literal: this.#literal(), nameAt, valueAt };
  }

  #noMember(name: string, at: number): Error {
    const found = name === "" ? (this.#text[this.#at] ?? "") : name;
    const hint = 'texts with blanks, commas or braces need quotes: value="a b", any="a b|c"';
    return syntaxError(`${shown(found)} is not member=value; ${hint}`, at);
  }

  #name(): string {
    const quoted = this.#quoted();
    if (quoted !== undefined) return quoted;
    const from = this.#at;
    while (this.#at < this.#text.length && !/[=,\s]/.test(this.#text[this.#at] ?? "")) {
      this.#at += 1;
    }
    return this.#text.slice(from, this.#at);
  }

  #literal(): Literal {
    const text = this.#quoted();
    if (text !== undefined) {
      const next = this.#text[this.#at];
      if (next === undefined || separator.test(next)) return { text, quoted: true };
      throw syntaxError("a comma must follow a quoted value", this.#at + this.#offset);
    }
    const from = this.#at;
    while (this.#at < this.#text.length && !separator.test(this.#text[this.#at] ?? "")) {
      const char = this.#text[this.#at];
      if (char === "\\") this.#at += 1;
      else if (char === '"' || char === "'") this.#at = quoteEnd(this.#text, this.#at);
      this.#at += 1;
    }
    return { text: this.#text.slice(from, this.#at), quoted: false };
  }

  /** The text in quotes that begins here, and moves behind it. */
  #quoted(): string | undefined {
    const from = this.#at;
    if (this.#text[from] !== '"' && this.#text[from] !== "'") return undefined;
    this.#at = quoteEnd(this.#text, from) + 1;
    return unquote(this.#text.slice(from, this.#at));
  }

  #skip(set: RegExp): void {
    while (this.#at < this.#text.length && set.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }
}
