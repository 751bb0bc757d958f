/** String content of JSON bytes as text. */

const simpleEscapes: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * The text of the string content `bytes[from, to)`, without its quotes. Invalid UTF-8 becomes
 * U+FFFD; of an unknown escape the character behind the backslash stays.
 */
export function decodeString(bytes: Buffer, span: StringSpan): string {
  const text = bytes.toString("utf8", span.from, span.to);
  return span.escaped ? unescapeJson(text) : text;
}

export interface StringSpan {
  readonly from: number;
  readonly to: number;
  /** True when there is a backslash in it. */
  readonly escaped: boolean;
}

function unescapeJson(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf("\\"); at !== -1; at = text.indexOf("\\", from)) {
    parts.push(text.slice(from, at));
    const escaped = text[at + 1] ?? "";
    const unit = escaped === "u" ? hexUnit(text, at + 2) : undefined;
    if (unit === undefined) parts.push(simpleEscapes[escaped] ?? escaped);
    else parts.push(String.fromCharCode(unit));
    from = at + (unit === undefined ? 2 : 6);
  }
  parts.push(text.slice(from));
  return parts.join("");
}

function hexUnit(text: string, at: number): number | undefined {
  const digits = text.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}

/**
 * Lower case by code point, the same in every locale and at every place in a word: a sigma at the
 * end of a word is an ordinary one, so that a part of a text folds like the whole.
 */
export function foldCase(text: string): string {
  return (text.includes("Σ") ? text.replaceAll("Σ", "σ") : text).toLowerCase();
}
