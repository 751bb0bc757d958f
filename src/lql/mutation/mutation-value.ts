/** From the text of a value to JSON (query-and-lql.md section 7.3). */
import { type Piece, quoteEnd, syntaxError } from "./lql-text.ts";

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const notFinite = /^[+-]?(nan|inf|infinity)$/i;
const literal = /^(true|false|null)$/i;

/** Without one pair of surrounding quotes, `\"`, `\'` and `\\` decoded; undefined when unquoted. */
export function unquoted(text: string): string | undefined {
  const quote = text[0];
  if (quote !== '"' && quote !== "'") return undefined;
  if (quoteEnd(text, 0) !== text.length - 1) return undefined;
  return text.slice(1, -1).replace(/\\(["'\\])/g, "$1");
}

/** The JSON scalar a value stands for; quotes are removed first. @throws LqlSyntaxError */
export function inferredJson(piece: Piece): string {
  const text = unquoted(piece.text) ?? piece.text;
  if (notFinite.test(text)) {
    throw syntaxError(piece, "JSON has no such number", "a finite number or other text");
  }
  if (literal.test(text)) return text.toLowerCase();
  return isFiniteNumber(text) ? text : JSON.stringify(text);
}

/** A JSON number that a double can hold, spelled as JSON spells it. */
export function isFiniteNumber(text: string): boolean {
  return jsonNumber.test(text) && Number.isFinite(Number(text));
}

/** True for numbers without fraction and exponent. */
export function isIntegerText(text: string): boolean {
  return /^-?\d+$/.test(text);
}
