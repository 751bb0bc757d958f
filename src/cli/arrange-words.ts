/**
 * Brings the words of a command line into the order the parser wants (cli.md section 1): global
 * flags in front of the command go behind it, a bare `lockd --store ...` means `serve`, and
 * the long forms of the existing program mean the short ones (section 18).
 */
import { UsageError } from "./usage-error.ts";

/** Flags of a command or of all, as far as the order of words needs them. */
export interface FlagShape {
  readonly name: string;
  readonly char?: string | undefined;
  /** Takes the next word as its value. */
  readonly takesValue: boolean;
}

export interface Vocabulary {
  /** Command ids such as `acquire` and `verify:store`, aliases included. */
  readonly commands: ReadonlySet<string>;
  /** What may stand in front of a command: the global flags, and those of `serve`. */
  readonly leadingFlags: readonly FlagShape[];
}

export interface Arranged {
  /** Undefined: no command was named. */
  readonly command: string | undefined;
  readonly words: readonly string[];
  /** Spelled `lockd client ...`. */
  readonly longForm?: boolean;
}

const helpWords = new Set(["--help", "-h"]);

export function arrangeWords(words: readonly string[], vocabulary: Vocabulary): Arranged {
  const { leading, rest } = splitLeading(words, vocabulary);
  const short = rest[0] === "client" ? rest.slice(1) : rest;
  const isTopic = !vocabulary.commands.has(short[0] ?? "");
  const spelled = isTopic ? namespaceBehind(short) : short;
  const found = longestCommand(spelled, vocabulary.commands);
  if (found !== undefined) {
    const behind = [...leading, ...spelled.slice(found.length)];
    const named = { command: found.id, words: behind };
    return rest[0] === "client" ? { ...named, longForm: true } : named;
  }
  if (spelled.length > 0) return { command: undefined, words: spelled };
  if (leading.length === 0 || leading.some((word) => helpWords.has(word))) {
    return { command: undefined, words: leading };
  }
  return { command: "serve", words: leading };
}

/** `index -n ns flush` means `index flush -n ns`: the old program allowed it after a topic. */
function namespaceBehind(words: readonly string[]): readonly string[] {
  const [topic = "", flag = "", ...behind] = words;
  if (topic.startsWith("-")) return words;
  if (flag.startsWith("--namespace=")) return [topic, ...behind, flag];
  const [value, ...verb] = behind;
  const isFlag = flag === "-n" || flag === "--namespace";
  return isFlag && value !== undefined ? [topic, ...verb, flag, value] : words;
}

/** Everything before the first word that is no flag or value of one. @throws UsageError */
function splitLeading(
  words: readonly string[],
  { leadingFlags }: Vocabulary,
): { readonly leading: readonly string[]; readonly rest: readonly string[] } {
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    if (!word.startsWith("-") || word === "--" || word === "-") break;
    const shape = shapeOf(word, leadingFlags);
    if (shape === undefined && !helpWords.has(word) && word !== "--version") {
      throw new UsageError(`unknown flag ${word} in front of the command (see lockd --help)`);
    }
    at += shape?.takesValue === true && !word.includes("=") ? 2 : 1;
  }
  return { leading: words.slice(0, at), rest: words.slice(at) };
}

function shapeOf(word: string, shapes: readonly FlagShape[]): FlagShape | undefined {
  const name = word.replace(/^--?/, "").replace(/=.*$/, "");
  const isLong = word.startsWith("--");
  const positive = name.replace(/^no-/, "");
  return shapes.find((shape) =>
    isLong ? shape.name === name || shape.name === positive : shape.char === name,
  );
}

/** `verify store x` names the command `verify:store`. */
function longestCommand(
  words: readonly string[],
  commands: ReadonlySet<string>,
): { readonly id: string; readonly length: number } | undefined {
  const plain = words.findIndex((word) => word.startsWith("-"));
  const most = Math.min(3, plain === -1 ? words.length : plain);
  for (let length = most; length > 0; length -= 1) {
    const id = words.slice(0, length).join(":");
    if (commands.has(id)) return { id, length };
  }
  return undefined;
}
