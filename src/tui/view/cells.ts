/** Text in terminal cells: cleaned of control characters, cut and padded to a width. */

/**
 * Control characters and what changes the direction or the looks of text: from a key, an owner or a
 * state they could rewrite the screen.
 */
const unprintable = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]",
  "gu",
);

/** Two cells wide: East Asian wide and fullwidth forms, and emoji. */
const wide = new RegExp(
  "[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\u4dbf\\u4e00-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff" +
    "\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]",
  "u",
);

/** Marks that sit on the character before them. */
const combining = /\p{Mn}|\p{Me}/u;

const printableAscii = /^[\x20-\x7e]*$/;

/** Safe to print: one visible sign for each character that is none. */
export function clean(text: string): string {
  if (printableAscii.test(text)) return text;
  return text.toWellFormed().replace(unprintable, "�");
}

function widthOf(character: string): number {
  if (combining.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** Cells that cleaned text takes. */
export function cellWidth(text: string): number {
  if (printableAscii.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** The longest beginning that fits. */
function head(text: string, width: number): string {
  if (printableAscii.test(text)) return text.slice(0, width);
  let used = 0;
  let out = "";
  for (const character of text) {
    used += widthOf(character);
    if (used > width) break;
    out += character;
  }
  return out;
}

/** The longest end that fits. */
function tail(text: string, width: number): string {
  let used = 0;
  let out = "";
  for (const character of [...text].reverse()) {
    used += widthOf(character);
    if (used > width) break;
    out = character + out;
  }
  return out;
}

export type Cut = "end" | "middle";

/** Cleaned and not wider than asked for; what is left out is replaced by one sign. */
export function cut(raw: string, width: number, where: Cut = "end"): string {
  const text = clean(raw);
  if (width <= 0) return "";
  if (cellWidth(text) <= width) return text;
  if (where === "end" || width < 9) return `${head(text, width - 1)}…`;
  const front = Math.ceil((width - 1) / 2);
  return `${head(text, front)}…${tail(text, width - 1 - front)}`;
}

export interface SizedHow {
  readonly align?: "left" | "right" | undefined;
  readonly cut?: Cut | undefined;
}

/** Exactly so many cells. */
export function sized(raw: string, width: number, how: SizedHow = {}): string {
  const text = cut(raw, width, how.cut);
  const space = " ".repeat(Math.max(0, width - cellWidth(text)));
  return how.align === "right" ? space + text : text + space;
}
