/**
 * `lockd complete SHELL ...`, which the completion scripts call while somebody waits: one line that
 * says what to do, then one line a candidate. Silent about whatever goes wrong.
 */
import {
  isOfferable,
  lineLengthMax,
  readLine,
  type TypedLine,
  writtenRest,
} from "./command-line.ts";
import { liveNamesMs } from "./live-names-limit.ts";
import { type Candidate, type Outline, planCompletion } from "./plan.ts";

/** Milliseconds that may pass between the start of this process and its look for live names. */
const startMs = 40;

/** Share of their time that live names get however long a busy machine took to start. */
const shareMin = 2 / 3;

export type ShellName = "bash" | "zsh" | "fish";

/**
 * Never rejects. Ends the process by itself, unless names were asked for: the bytecode of a run is
 * kept at its end (bin/load-program.cjs), and it should be that of a run that did everything.
 */
export async function answerShell(
  words: readonly string[],
  outline: Outline,
  write: (text: string) => Promise<void>,
): Promise<void> {
  const [shell = "", ...rest] = words;
  const line = shell === "bash" ? bashLine(rest) : typedLine(rest);
  const plan = planCompletion(line.words, line.current, outline);
  if (plan.kind === "files") return await write("files\n").then(exit);
  if (plan.kind === "words")
    return await write(answerText(plan.candidates, line, shell)).then(exit);
  const limitMs = liveNamesMs(process.env);
  const leftMs = Math.max(limitMs * shareMin, startMs + limitMs - performance.now());
  const late = setTimeout(() => void write("words\n").then(exit), leftMs);
  const names = await namesOf(plan, line).catch(() => {
    // No server, no store, no permission: there is nothing to offer.
    return [];
  });
  clearTimeout(late);
  await write(answerText(names, line, shell));
}

function exit(): void {
  process.exit(0);
}

/** The line up to the cursor, and readline's idea of where words break. */
function bashLine([line = "", breaks = ""]: readonly string[]): TypedLine {
  const typed = readLine(line.slice(-lineLengthMax), breaks);
  const isAssignment = (word: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*=/.test(word);
  const program = typed.words.findIndex((word) => !isAssignment(word));
  return { ...typed, words: typed.words.slice(program + 1) };
}

/** zsh and fish take the words apart themselves, and quote what they insert. */
function typedLine(words: readonly string[]): TypedLine {
  return { words: words.slice(0, -1), current: words.at(-1) ?? "", quote: "", lead: "" };
}

function answerText(candidates: readonly Candidate[], line: TypedLine, shell: string): string {
  const isOpen = candidates.length > 0 && candidates.every(({ word }) => /[/=]$/.test(word));
  const lines = candidates.map((candidate) => rendered(candidate, line, shell));
  return [isOpen ? "nospace" : "words", ...lines, ""].join("\n");
}

async function namesOf(
  plan: Extract<ReturnType<typeof planCompletion>, { kind: "names" }>,
  line: TypedLine,
): Promise<readonly Candidate[]> {
  const { liveNames } = await import("./live-names.ts");
  const names = await liveNames(plan, process.env);
  return names
    .map((name) => ({ word: plan.lead + name }))
    .filter(({ word }) => word.startsWith(line.current) && isOfferable(word, line));
}

function rendered({ word, about }: Candidate, line: TypedLine, shell: string): string {
  if (shell === "bash") return writtenRest(word, line);
  return about === undefined ? word : `${word}\t${about.split("\n")[0]}`;
}
