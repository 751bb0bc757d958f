/** What could stand where the cursor is; pure, from the manifest and the words before it. */

export interface FlagOutline {
  readonly name: string;
  readonly char?: string;
  readonly type: "option" | "boolean";
  readonly description?: string;
  readonly options?: readonly string[];
  readonly multiple?: boolean;
  readonly allowNo?: boolean;
  readonly hidden?: boolean;
}

export interface CommandOutline {
  readonly id: string;
  readonly summary?: string;
  readonly hidden?: boolean;
  readonly strict?: boolean;
  readonly aliases?: readonly string[];
  readonly hiddenAliases?: readonly string[];
  readonly flags: Readonly<Record<string, FlagOutline>>;
  readonly args?: Readonly<Record<string, { readonly options?: readonly string[] }>>;
}

export interface Outline {
  readonly commands: Readonly<Record<string, CommandOutline>>;
  /** Description of each topic, by its words joined with colons. */
  readonly topics: Readonly<Record<string, { readonly description?: string }>>;
}

export interface Candidate {
  readonly word: string;
  readonly about?: string | undefined;
}

/** Names that only a server, a store or a file of the user knows. */
export type NameSource =
  | "key"
  | "queue"
  | "namespace"
  | "txn"
  | "attachment"
  | "letter"
  | "context"
  | "island";

export type CompletionPlan =
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] }
  | {
      readonly kind: "names";
      readonly source: NameSource;
      /** How far the name is typed. */
      readonly prefix: string;
      /** What stands in front of it in the same word: `--key=`. */
      readonly lead: string;
      readonly typed: TypedWords;
    }
  | { readonly kind: "files" };

/** Flags and arguments that are typed already. */
export interface TypedWords {
  readonly command: string;
  readonly flags: ReadonlyMap<string, string>;
  readonly args: readonly string[];
}

const flagSources: Readonly<Record<string, NameSource>> = {
  key: "key",
  also: "key",
  prefix: "key",
  participant: "key",
  queue: "queue",
  namespace: "namespace",
  "txn-id": "txn",
  txn: "txn",
  name: "attachment",
  context: "context",
  island: "island",
};

const argSources: Readonly<Record<string, NameSource>> = {
  key: "key",
  queue: "queue",
  txn: "txn",
  message: "letter",
  name: "context",
};

const fileFlags = new Set(
  "config file jsonl out output directory payload-out payload-dir bundle".split(" "),
);
const fileArgs = new Set(["input"]);
const nothing: CompletionPlan = { kind: "words", candidates: [] };

/** `words`: what stands before `current`, without the program's name. */
export function planCompletion(
  words: readonly string[],
  current: string,
  outline: Outline,
): CompletionPlan {
  const globals = Object.values(outline.commands.serve?.flags ?? {});
  const { leading, rest } = splitLeading(words, globals);
  if (rest[0] === "help") return matching(nextWords(rest.slice(1), outline), current);
  const spelled = rest[0] === "client" ? rest.slice(1) : rest;
  const found = findCommand(spelled, outline);
  if (found === undefined) {
    // Something is typed that is no beginning of a command, or a flag still waits for its value.
    const waiting = leading.waiting;
    if (waiting !== undefined) return valuePlan(waiting, { prefix: current, lead: "" }, leading);
    if (current.startsWith("-")) return flagPlan(globals, new Map(), current);
    return matching(nextWords(spelled, outline), current);
  }
  const flags = Object.values(found.command.flags);
  const typed = readTyped([...leading.words, ...spelled.slice(found.length)], flags);
  const place = { ...typed, command: found.command.id };
  if (typed.ended) return { kind: "files" };
  if (typed.waiting !== undefined) {
    return valuePlan(typed.waiting, { prefix: current, lead: "" }, place);
  }
  const equals = /^(--[a-z0-9-]+=)(.*)$/s.exec(current);
  if (equals !== null) {
    const [, lead = "", prefix = ""] = equals;
    const flag = flags.find(({ name }) => `--${name}=` === lead);
    return flag === undefined ? nothing : valuePlan(flag, { prefix, lead }, place);
  }
  if (current.startsWith("-")) return flagPlan(flags, typed.flags, current);
  return argPlan(found.command, current, place);
}

function matching(candidates: readonly Candidate[], current: string): CompletionPlan {
  return { kind: "words", candidates: candidates.filter(({ word }) => word.startsWith(current)) };
}

interface ReadWords extends Omit<TypedWords, "command"> {
  readonly command: string;
  readonly words: readonly string[];
  /** The flag whose value comes next. */
  readonly waiting: FlagOutline | undefined;
  /** A `--` was typed: what follows is another program's. */
  readonly ended: boolean;
}

function readTyped(words: readonly string[], known: readonly FlagOutline[]): ReadWords {
  const flags = new Map<string, string>();
  const args: string[] = [];
  let waiting: FlagOutline | undefined;
  let ended = false;
  for (const word of words) {
    if (waiting !== undefined) {
      flags.set(waiting.name, word);
      waiting = undefined;
    } else if (word === "--") {
      ended = true;
      break;
    } else if (/^-./.test(word)) {
      const [name = "", value] = splitFlag(word);
      const flag = known.find((one) => `--${one.name}` === name || `-${one.char}` === name);
      if (flag === undefined) flags.set(name.replace(/^--?(no-)?/, ""), "");
      else if (flag.type === "boolean" || value !== undefined)
        flags.set(flag.name, value ?? "true");
      else waiting = flag;
    } else args.push(word);
  }
  return { command: "", words, flags, args, waiting, ended };
}

function splitFlag(word: string): readonly [string, string | undefined] {
  const at = word.indexOf("=");
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** The flags in front of the command. */
function splitLeading(words: readonly string[], globals: readonly FlagOutline[]) {
  let at = 0;
  while (at < words.length && /^-./.test(words[at] ?? "") && words[at] !== "--") {
    const isWaiting = readTyped([words[at] ?? ""], globals).waiting !== undefined;
    at += isWaiting ? 2 : 1;
  }
  return { leading: readTyped(words.slice(0, at), globals), rest: words.slice(at) };
}

function findCommand(words: readonly string[], { commands }: Outline) {
  const plain = words.findIndex((word) => word.startsWith("-"));
  const most = Math.min(3, plain === -1 ? words.length : plain);
  for (let length = most; length > 0; length -= 1) {
    const id = words.slice(0, length).join(":");
    const command = Object.values(commands).find(
      (one) => one.id === id || one.aliases?.includes(id) || one.hiddenAliases?.includes(id),
    );
    if (command !== undefined) return { command, length };
  }
  return undefined;
}

/** The words that may follow the beginning of a command. */
function nextWords(words: readonly string[], { commands, topics }: Outline): Candidate[] {
  const beginning = words.map((word) => `${word}:`).join("");
  const found = new Map<string, Candidate>();
  for (const { id, hidden, summary } of Object.values(commands)) {
    if (hidden === true || !id.startsWith(beginning)) continue;
    const [word = "", ...more] = id.slice(beginning.length).split(":");
    const about = more.length === 0 ? summary : topics[beginning + word]?.description;
    if (!found.has(word)) found.set(word, { word, about });
  }
  if (words.length === 0) found.set("help", { word: "help", about: "Explain a command" });
  return [...found.values()].sort((a, b) => (a.word < b.word ? -1 : 1));
}

function flagPlan(
  flags: readonly FlagOutline[],
  typed: ReadonlyMap<string, string>,
  current: string,
): CompletionPlan {
  const candidates = flags
    .filter(({ name, hidden, multiple }) => hidden !== true && (multiple || !typed.has(name)))
    .flatMap(({ name, description, allowNo }) => {
      const about = description;
      const plain = { word: `--${name}`, about };
      return allowNo === true ? [plain, { word: `--no-${name}`, about }] : [plain];
    });
  return matching([...candidates, { word: "--help", about: "explain the command" }], current);
}

interface Value {
  readonly prefix: string;
  readonly lead: string;
}

function valuePlan(flag: FlagOutline, { prefix, lead }: Value, typed: TypedWords): CompletionPlan {
  const { options, name, type } = flag;
  const choices = type === "boolean" ? ["true", "false"] : options;
  if (choices !== undefined) {
    const candidates = choices.map((choice) => ({ word: lead + choice }));
    return matching(candidates, lead + prefix);
  }
  const source = flagSources[name];
  if (source !== undefined) return { kind: "names", source, prefix, lead, typed };
  return fileFlags.has(name) ? { kind: "files" } : nothing;
}

function argPlan(command: CommandOutline, current: string, typed: TypedWords): CompletionPlan {
  const names = Object.keys(command.args ?? {});
  const last = command.strict === false ? names.length - 1 : Number.POSITIVE_INFINITY;
  const name = names[Math.min(typed.args.length, last)];
  // Dead letters are named behind their queue, any number of them.
  const isLetter = command.id.startsWith("queue:dlq:") && typed.args.length > 0;
  if (isLetter && command.id !== "queue:dlq:ls") {
    return { kind: "names", source: "letter", prefix: current, lead: "", typed };
  }
  if (name === undefined) return nothing;
  const options = command.args?.[name]?.options;
  if (options !== undefined) {
    const candidates = options.map((word) => ({ word }));
    return matching(candidates, current);
  }
  const source = argSources[name];
  const isContext = command.id.startsWith("context:") && command.id !== "context:add";
  if (source === "context" && !isContext) return nothing;
  if (source !== undefined) return { kind: "names", source, prefix: current, lead: "", typed };
  return fileArgs.has(name) ? { kind: "files" } : nothing;
}
