/** A selector text cut into its expressions (query-and-lql.md section 3.1). */
import { LqlSyntaxError } from "../../api/errors.ts";

/** One expression without the white space around it. */
export interface Expression {
  readonly text: string;
  /** Offset in the whole text. */
  readonly at: number;
  /** Offsets in `text` of the first `{` outside quotes and of its partner, or -1. */
  readonly open: number;
  readonly close: number;
}

export function syntaxError(message: string, position: number): LqlSyntaxError {
  return new LqlSyntaxError(`${message} (at position ${position})`, { position });
}

/**
 * Splits at commas and newlines outside quotes and braces. A backslash protects the next character.
 * @throws LqlSyntaxError for an open quote or brace, or a brace too many
 */
export function splitExpressions(text: string): readonly Expression[] {
  const expressions: Expression[] = [];
  let from = 0;
  let depth = 0;
  let open = -1;
  let close = -1;
  const cut = (to: number): void => {
    const raw = text.slice(from, to);
    const at = from + raw.length - raw.trimStart().length;
    const trimmed = raw.trim();
    if (trimmed !== "") {
      const inside = (offset: number): number => (offset === -1 ? -1 : offset - at);
      expressions.push({ text: trimmed, at, open: inside(open), close: inside(close) });
    }
    from = to + 1;
    open = -1;
    close = -1;
  };
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case "\\":
        at += 1;
        break;
      case '"':
      case "'":
        at = quoteEnd(text, at);
        break;
      case "{":
        if (depth === 0 && open === -1) open = at;
        depth += 1;
        break;
      case "}":
        if (depth === 0) throw syntaxError('"}" without a "{" before it', at);
        depth -= 1;
        if (depth === 0 && close === -1) close = at;
        break;
      case ",":
      case "\n":
        if (depth === 0) cut(at);
        break;
    }
  }
  if (depth > 0) throw syntaxError('"{" without its "}"', open);
  cut(text.length);
  return expressions;
}

/**
 * Offset of the quote that ends the one at `from`.
 * @throws LqlSyntaxError when there is none
 */
export function quoteEnd(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === quote) return at;
  }
  throw syntaxError(`the quote ${quote} is never closed`, from);
}

/** What stands between two quotes: only `\"`, `\'` and `\\` are decoded. */
export function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(["'\\])/g, "$1");
}
