/** From the words of the command line to a running command. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { arrangeWords } from "./arrange-words.ts";
import { commandTable } from "./command-table.ts";
import type { Outline } from "./completion/plan.ts";
import { loadConfig, serverValue } from "./config-file.ts";
import { failureReport } from "./failure-report.ts";
import { note, quietOnClosedPipe, writeOut } from "./output.ts";
import { commandId, type Program, readManifest, readProgram, vocabulary } from "./program.ts";
import { UsageError } from "./usage-error.ts";

/** Runs one command line; the exit code is left in `process.exitCode`. Never rejects. */
export async function launch(words: readonly string[], root: string): Promise<void> {
  quietOnClosedPipe();
  try {
    await dispatch(words, readProgram(root));
  } catch (error) {
    const report = failureReport(error);
    note(words.includes("--json") ? JSON.stringify(report.json) : report.text);
    process.exitCode = report.exitCode;
  }
}

async function dispatch(words: readonly string[], program: Program): Promise<void> {
  if (words[0] === "--version") return runCommand(program, "version", { words: [] });
  if (words[0] === "autocomplete") return runOclif(program, words);
  if (words[0] === "complete") return answerCompletion(program, words.slice(1));
  if (words.length === 0) return startOrHelp(program);
  const arranged = arrangeWords(words, vocabulary(program));
  if (arranged.command === undefined) return helpOrSuggest(program, arranged.words);
  const end = arranged.words.indexOf("--");
  const own = end === -1 ? arranged.words : arranged.words.slice(0, end);
  const id = commandId(program, arranged.command);
  if (own.includes("--help") || own.includes("-h")) return showHelp(program, id);
  await runCommand(program, id, arranged);
}

/** Not a command: nothing of what commands need is loaded while a shell waits. */
async function answerCompletion(program: Program, words: readonly string[]): Promise<void> {
  const { answerShell } = await import("./completion/answer-shell.ts");
  const { oclif } = JSON.parse(readFileSync(path.join(program.root, "package.json"), "utf8")) as {
    readonly oclif: { readonly topics: Outline["topics"] };
  };
  const { commands } = readManifest(program.root);
  await answerShell(words, { commands, topics: oclif.topics }, writeOut);
}

/** Loads the one command that is to run. */
async function runCommand(
  program: Program,
  id: string,
  { words, longForm = false }: { readonly words: readonly string[]; readonly longForm?: boolean },
): Promise<void> {
  const load = commandTable[id];
  if (load === undefined) return runOclif(program, [id, ...words]);
  const { default: Command } = await load();
  await new Command(words, { id, version: program.version, longForm }).execute();
}

/** What only oclif can do: its plugins' commands. */
async function runOclif({ root }: Program, words: readonly string[]): Promise<void> {
  const { execute } = await import("@oclif/core");
  await execute({ args: [...words], loadOptions: { root } });
}

/** The page of a command or topic: the one made with the build, else made now. */
async function showHelp(program: Program, id: string): Promise<void> {
  const { helpPage } = await import("./help-page.ts");
  await writeOut(await helpPage(program.root, id));
}

/** No words at all: a server when a store is configured, as container images rely on; else help. */
async function startOrHelp(program: Program): Promise<void> {
  const file = await loadConfig(undefined, process.env);
  const store = process.env.LOCKD_STORE ?? serverValue(file, "store") ?? "";
  if (store !== "") return runCommand(program, "serve", { words: [] });
  process.exitCode = 2;
  const { helpPage } = await import("./help-page.ts");
  note(await helpPage(program.root, ""));
}

async function helpOrSuggest(program: Program, words: readonly string[]): Promise<void> {
  const plain = words.filter((word) => !word.startsWith("-"));
  const named = plain[0] === "help" ? plain.slice(1) : plain;
  const topic = named.join(":");
  const ids = program.commands.filter(({ hidden }) => hidden !== true).map(({ id }) => id);
  const isTopic = ids.some((id) => id === topic || id.startsWith(`${topic}:`));
  if (named.length === 0 || isTopic) return showHelp(program, topic);
  const { commandFor } = await import("./suggestion.ts");
  const typed = named.slice(0, 2);
  const known = ids.map((id) => id.replaceAll(":", " "));
  const near = commandFor(typed, known);
  const hint = near === undefined ? "" : `; did you mean "lockd ${near}"?`;
  const [first = ""] = typed;
  const topicHelp = ids.some((id) => id.startsWith(`${first}:`)) ? `${first} --help` : "--help";
  throw new UsageError(`there is no command "${typed.join(" ")}"${hint} (see lockd ${topicHelp})`);
}
