/** Literals of the text form (query-and-lql.md section 3.5). */
import { canonicalNumber } from "../decimal.ts";
import { listOfText } from "./check-clause.ts";
import type { TermName } from "./selector.ts";

/** A value as written: quoted text is verbatim, unquoted text is read. */
export interface Literal {
  readonly text: string;
  readonly quoted: boolean;
}

/** The value a literal stands for: `TRUE` is true, `1.0` is 1, unless quotes keep them as text. */
export function literalText({ text, quoted }: Literal): string {
  if (quoted) return text;
  if (text.length <= 5) {
    const word = text.toLowerCase();
    if (word === "true" || word === "false") return word;
  }
  return canonicalNumber(text) ?? text;
}

/** The items of a `|` list; each is read like a value of its own. */
export function literalList(term: TermName, { text, quoted }: Literal): readonly string[] {
  return listOfText(term, text).map((item) => literalText({ text: item, quoted }));
}

/** A numeric bound as JSON: a number where a double holds it exactly, else its text. */
export function boundJson(text: string): number | string {
  const canonical = canonicalNumber(text);
  if (canonical === undefined) return text;
  const value = Number(canonical);
  return canonicalNumber(String(value)) === canonical ? value : canonical;
}
