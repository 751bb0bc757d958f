/** Looking at expressions without reading them: where quotes and braces begin and end. */
import { LqlSyntaxError } from "../../api/errors.ts";

/** A piece of text and where it stands in what the caller wrote. */
export interface Piece {
  readonly text: string;
  /** UTF-16 code units in front of it. */
  readonly at: number;
}

export function syntaxError(piece: Piece, problem: string, rightForm: string): LqlSyntaxError {
  const shown = piece.text.length > 60 ? `${piece.text.slice(0, 60)}...` : piece.text;
  const message = `${problem} at ${piece.at} in "${shown}"; write ${rightForm}`;
  return new LqlSyntaxError(message, { position: piece.at });
}

/** The piece without white space around it. */
export function trimmed({ text, at }: Piece): Piece {
  const start = text.trimStart();
  return { text: start.trimEnd(), at: at + text.length - start.length };
}

/** The rest of a piece from `from` on. */
export function after({ text, at }: Piece, from: number): Piece {
  return { text: text.slice(from), at: at + from };
}

/**
 * Walks over the text outside quotes. Inside quotes a backslash protects the next character.
 * `visit` gets every other character, its offset and the braces around it.
 * @throws LqlSyntaxError for a quote or brace without its partner
 */
export function walkOutsideQuotes(
  piece: Piece,
  visit: (character: string, offset: number, depth: number) => void,
): void {
  const { text } = piece;
  let depth = 0;
  let lastOpen = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const character = text[offset] ?? "";
    if (character === '"' || character === "'") {
      const end = quoteEnd(text, offset);
      if (end === -1) {
        const start = after(piece, offset);
        throw syntaxError(start, `a ${character} without its partner`, `/name="it's"`);
      }
      offset = end;
      continue;
    }
    if (character === "}") depth -= 1;
    if (depth < 0) throw syntaxError(after(piece, offset), 'a "}" too many', "/a{/b=1,/c=2}");
    visit(character, offset, depth);
    if (character === "{") {
      depth += 1;
      lastOpen = offset;
    }
  }
  if (depth > 0) {
    throw syntaxError(after(piece, lastOpen), 'a "{" without its partner', "/a{/b=1,/c=2}");
  }
}

/** Offset of the closing partner of the quote at `from`, or -1. */
export function quoteEnd(text: string, from: number): number {
  const quote = text[from];
  for (let offset = from + 1; offset < text.length; offset += 1) {
    if (text[offset] === "\\") offset += 1;
    else if (text[offset] === quote) return offset;
  }
  return -1;
}

/**
 * The expressions of a text that holds several: separated by `,` or newline outside quotes and
 * braces, trimmed, blank ones dropped.
 * @throws LqlSyntaxError for a quote or brace without its partner
 */
export function splitExpressions(piece: Piece): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  const cut = (to: number): void => {
    const part = trimmed({ text: piece.text.slice(from, to), at: piece.at + from });
    if (part.text !== "") pieces.push(part);
    from = to + 1;
  };
  walkOutsideQuotes(piece, (character, offset, depth) => {
    if (depth === 0 && (character === "," || character === "\n")) cut(offset);
  });
  cut(piece.text.length);
  return pieces;
}
