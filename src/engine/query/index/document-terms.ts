/** The terms of a document: one pass over what JSON.parse makes of it. */
import { parseTemporal } from "../../../lql/temporal.ts";
import {
  depthIndexedMax,
  documentBytesIndexedMax,
  memberNameUnitsMax,
  partsUnitsMax,
  termsPerDocumentMax,
} from "./limits.ts";
import { elementStep, memberStep, type PathBook } from "./path-book.ts";
import {
  foldText,
  isCutText,
  numericTextOf,
  roundedNumber,
  type Term,
  termKinds,
  termSeconds,
  termText,
} from "./term.ts";

export interface DocumentTerms {
  readonly kind: "terms";
  readonly terms: readonly Term[];
  /** Undefined when the strings are too long to be searched. */
  readonly parts: Parts | undefined;
}

/**
 * All strings, folded, with line ends between them. The long ones are apart: they seldom change
 * when the others do, and it is the long ones that cost.
 */
export interface Parts {
  readonly short: string;
  readonly long: string;
}

const noParts: Parts = { short: "", long: "" };

/** Terms, or `always`: the document is beyond a limit and may match anything. */
export type Extraction = DocumentTerms | { readonly kind: "always" };

const always: Extraction = { kind: "always" };

class BeyondLimit extends Error {}

/** The terms of a stored state; paths are entered into the book. Never throws for a document. */
export function documentTerms(bytes: Uint8Array, root: number, book: PathBook): Extraction {
  if (bytes.length > documentBytesIndexedMax) return always;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    // Only match-all lists documents whose root is no object.
    if (!isObject(value)) return { kind: "terms", terms: [], parts: noParts };
    const walk = new DocumentWalk(book);
    walk.object(value, root, 0);
    // The matcher sees both values of a member that is there twice; JSON.parse only the last.
    if (walk.members !== memberCount(text, walk.members)) return always;
    return { kind: "terms", terms: walk.terms, parts: walk.parts() };
  } catch (error) {
    if (error instanceof BeyondLimit || error instanceof SyntaxError) return always;
    throw error;
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class DocumentWalk {
  readonly terms: Term[] = [];
  members = 0;
  readonly #book: PathBook;
  readonly #short = new Set<string>();
  readonly #long = new Set<string>();
  #textUnits = 0;
  /** Below arrays the same value may come again. */
  readonly #known = new Set<string>();

  constructor(book: PathBook) {
    this.#book = book;
  }

  /** Every string once; undefined when it is too much. */
  parts(): Parts | undefined {
    if (this.#textUnits > partsUnitsMax) return undefined;
    return { short: [...this.#short].join("\n"), long: [...this.#long].join("\n") };
  }

  object(value: JsonObject, path: number, depth: number): void {
    if (depth > depthIndexedMax) throw new BeyondLimit();
    for (const name of Object.keys(value)) {
      this.members += 1;
      if (name.length > memberNameUnitsMax) throw new BeyondLimit();
      this.#value(value[name], this.#book.child(path, memberStep(name)), depth + 1);
    }
  }

  #array(values: readonly unknown[], path: number, depth: number): void {
    if (depth > depthIndexedMax) throw new BeyondLimit();
    if (values.length === 0) return;
    const elements = this.#book.child(path, elementStep);
    for (const value of values) this.#value(value, elements, depth + 1);
  }

  #value(value: unknown, path: number, depth: number): void {
    switch (typeof value) {
      case "string":
        this.#string(value, path);
        return;
      case "number":
        this.#add([path, termKinds.number, roundedNumber(value)]);
        return;
      case "boolean":
        this.#add([path, termKinds.text, String(value)]);
        return;
      default:
    }
    if (value === null) {
      this.#add([path, termKinds.null, 0]);
      return;
    }
    this.#add([path, termKinds.container, 0]);
    if (Array.isArray(value)) this.#array(value, path, depth);
    else this.object(value as JsonObject, path, depth);
  }

  #string(value: string, path: number): void {
    const text = termText(value);
    this.#add([path, termKinds.text, text]);
    const number = numericTextOf(value);
    if (number !== undefined) this.#add([path, termKinds.numericText, number]);
    const time = number === undefined ? parseTemporal(value) : undefined;
    if (time !== undefined) {
      const kind = time.kind === "date" ? termKinds.date : termKinds.instant;
      this.#add([path, kind, termSeconds(time)]);
    }
    if (this.#textUnits > partsUnitsMax) return;
    const isLong = isCutText(text);
    const folded = isLong ? foldText(value) : text;
    const texts = isLong ? this.#long : this.#short;
    if (texts.has(folded)) return;
    texts.add(folded);
    this.#textUnits += folded.length;
  }

  #add(term: Term): void {
    const known = `${term[0]} ${term[1]} ${term[2]}`;
    if (this.#known.has(known)) return;
    if (this.#known.size >= termsPerDocumentMax) throw new BeyondLimit();
    this.#known.add(known);
    this.terms.push(term);
  }
}

/** Members in a document's text. Only when the quick count differs, each quote is looked at. */
function memberCount(text: string, expected: number): number {
  let quick = 0;
  for (let at = text.indexOf('":'); at !== -1; at = text.indexOf('":', at + 2)) quick += 1;
  if (quick === expected) return quick;
  let count = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString && code === 0x5c) at += 1;
    else if (code === 0x22) inString = !inString;
    else if (code === 0x3a && !inString) count += 1;
  }
  return count;
}
