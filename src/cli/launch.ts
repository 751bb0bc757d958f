/** From the words of the command line to a running command. */
import { Config, Help } from "@oclif/core";
import { arrangeWords, type FlagShape, type Vocabulary } from "./arrange-words.ts";
import { loadConfig, serverValue } from "./config-file.ts";
import { failureReport } from "./failure-report.ts";
import { globalFlags } from "./flags.ts";
import { note, quietOnClosedPipe } from "./output.ts";
import { serverSettings } from "./serve/server-settings.ts";
import { nearest } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";

interface ManifestCommand {
  readonly id: string;
  readonly hidden?: boolean;
  readonly aliases?: readonly string[];
  readonly hiddenAliases?: readonly string[];
}

/** Runs one command line; the exit code is left in `process.exitCode`. Never rejects. */
export async function launch(words: readonly string[], root: string): Promise<void> {
  quietOnClosedPipe();
  try {
    await dispatch(words, root);
  } catch (error) {
    const report = failureReport(error);
    note(words.includes("--json") ? JSON.stringify(report.json) : report.text);
    process.exitCode = report.exitCode;
  }
}

async function dispatch(words: readonly string[], root: string): Promise<void> {
  const config = await Config.load({ root });
  const commands = config.commands as readonly ManifestCommand[];
  if (words[0] === "--version") return void (await config.runCommand("version"));
  if (words.length === 0) return startOrHelp(config);
  const arranged = arrangeWords(words, vocabulary(commands));
  if (arranged.command === undefined) return helpOrSuggest(config, arranged.words);
  const beforeEnd = arranged.words.slice(0, endOfFlags(arranged.words));
  if (beforeEnd.includes("--help") || beforeEnd.includes("-h")) {
    return new Help(config).showHelp([arranged.command]);
  }
  await config.runCommand(arranged.command, [...arranged.words]);
}

function endOfFlags(words: readonly string[]): number {
  const at = words.indexOf("--");
  return at === -1 ? words.length : at;
}

/** No words at all: a server when a store is configured, as container images rely on; else help. */
async function startOrHelp(config: Config): Promise<void> {
  const file = await loadConfig(undefined, process.env);
  const store = process.env.LOCKD_STORE ?? serverValue(file, "store") ?? "";
  if (store !== "") return void (await config.runCommand("serve"));
  process.exitCode = 2;
  const write = process.stdout.write;
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof write;
  await new Help(config).showHelp([]);
  process.stdout.write = write;
}

async function helpOrSuggest(config: Config, words: readonly string[]): Promise<void> {
  const plain = words.filter((word) => !word.startsWith("-"));
  const topic = plain.join(":");
  const isTopic = config.topics.some(({ name }) => name === topic);
  if (plain.length === 0 || isTopic) return new Help(config).showHelp([...plain]);
  if (plain[0] === "help") return new Help(config).showHelp(plain.slice(1));
  const known = (config.commands as readonly ManifestCommand[])
    .filter(({ hidden }) => hidden !== true)
    .map(({ id }) => id.replaceAll(":", " "));
  const typed = plain.slice(0, 2).join(" ");
  const near = nearest(typed, known) ?? nearest(plain[0] ?? "", known);
  const hint = near === undefined ? "" : `; did you mean "lockd ${near}"?`;
  throw new UsageError(`there is no command "${typed}"${hint} (see lockd --help)`);
}

function vocabulary(commands: readonly ManifestCommand[]): Vocabulary {
  const names = commands.flatMap(({ id, aliases = [], hiddenAliases = [] }) => [
    id,
    ...aliases,
    ...hiddenAliases,
  ]);
  const global = Object.entries(globalFlags).map(([name, flag]): FlagShape => {
    const { char, type } = flag as { char?: string; type: string };
    return { name, char, takesValue: type === "option" };
  });
  const serve = serverSettings.map(
    ({ name, kind }): FlagShape => ({
      name,
      char: name === "default-namespace" ? "n" : undefined,
      takesValue: kind !== "switch",
    }),
  );
  const accepted: FlagShape = { name: "disable-storage-encryption", takesValue: false };
  return { commands: new Set(names), globalFlags: global, serveFlags: [...serve, accepted] };
}
