/** Lays compact JSON out over lines without touching names, strings or the spelling of numbers. */

const opening = new Set(["{", "["]);
const closing = new Set(["}", "]"]);

/** Two spaces of indent; the input is valid JSON without white space outside strings. */
export function prettyJson(compact: string): string {
  let out = "";
  let depth = 0;
  for (let at = 0; at < compact.length; at += 1) {
    const character = compact[at] ?? "";
    if (character === '"') {
      const end = stringEnd(compact, at);
      out += compact.slice(at, end);
      at = end - 1;
    } else if (opening.has(character)) {
      const next = compact[at + 1] ?? "";
      if (closing.has(next)) {
        out += character + next;
        at += 1;
      } else {
        depth += 1;
        out += `${character}\n${"  ".repeat(depth)}`;
      }
    } else if (closing.has(character)) {
      depth -= 1;
      out += `\n${"  ".repeat(depth)}${character}`;
    } else if (character === ",") out += `,\n${"  ".repeat(depth)}`;
    else if (character === ":") out += ": ";
    else out += character;
  }
  return `${out}\n`;
}

/** Index behind the closing quote of the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
