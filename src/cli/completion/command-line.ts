/**
 * The words of a line that is still being typed, as a POSIX shell would see them; and a name as it
 * has to be written into such a line.
 */

/** Characters of a line at most; a longer one gets no completion. */
export const lineLengthMax = 65_536;

export interface TypedLine {
  /** What stands before the word being typed, the program's own name included. */
  readonly words: readonly string[];
  /** The word being typed, without quotes. */
  readonly current: string;
  /** The quote it is in, if any. */
  readonly quote: "" | "'" | '"';
  /** What of `current` stands before the part that the shell replaces. */
  readonly lead: string;
}

interface Draft {
  text: string;
  /** Length of `text` behind the last unquoted character the shell breaks words at. */
  leadLength: number;
  started: boolean;
}

const freshDraft = (): Draft => ({ text: "", leadLength: 0, started: false });

/** @param breaks characters at which the shell starts a new part to be replaced (readline) */
export function readLine(line: string, breaks: string): TypedLine {
  const words: string[] = [];
  let draft = freshDraft();
  let quote: TypedLine["quote"] = "";
  const add = (text: string): void => {
    draft.text += text;
    draft.started = true;
  };
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? "";
    const next = line[at + 1] ?? "";
    if (quote === "'" && character !== "'") add(character);
    else if (quote === '"' && character === "\\" && /["\\$`]/.test(next)) {
      add(next);
      at += 1;
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else add(character);
    } else if (character === "'" || character === '"') {
      quote = character;
      draft.started = true;
      draft.leadLength = draft.text.length;
    } else if (character === "\\" && next !== "") {
      add(next);
      at += 1;
    } else if (/\s/.test(character)) {
      if (draft.started) words.push(draft.text);
      draft = freshDraft();
    } else {
      add(character);
      if (breaks.includes(character)) draft.leadLength = draft.text.length;
    }
  }
  return { words, current: draft.text, quote, lead: draft.text.slice(0, draft.leadLength) };
}

/** The rest of a word as it has to stand in the line, behind what is there already. */
export function writtenRest(word: string, { quote, lead }: Pick<TypedLine, "quote" | "lead">) {
  const rest = word.slice(lead.length);
  if (quote === "'") return rest.replaceAll("'", "'\\''");
  if (quote === '"') return rest.replace(/["\\$`]/g, "\\$&");
  return rest.replace(/[^A-Za-z0-9_./:@%+,=-]/gu, "\\$&");
}

/**
 * True when a name, which anybody may have chosen, can stand in the line as nothing but a name: not
 * as a flag, not as what a shell's history puts for `!` between double quotes, and without
 * characters that a terminal acts on.
 */
export function isOfferable(name: string, { current, quote }: TypedLine): boolean {
  if (/\p{Cc}/u.test(name) || (quote === '"' && name.includes("!"))) return false;
  return !name.startsWith("-") || current.startsWith("-");
}
