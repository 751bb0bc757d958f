import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { exitCodes } from "../api/error-registry.ts";

/** Columns of a page. */
const pageWidth = 100;

/** Where the pages are that were made with the build. */
const builtPages = path.join("dist", "help");

/** The file of one page, below the root of the program; a start reads no other. */
export function helpFile(id: string): string {
  return `${path.join(builtPages, ...(id === "" ? ["lockd"] : id.split(":")))}.txt`;
}

/** Where somebody begins who knows nothing yet. */
const beginning = `BEGIN WITH
  $ lockd run nightly -- ./backup.sh   run a command that never overlaps with itself
  $ lockd status nightly               see who holds a key
  $ lockd dev                          try things out in memory, with the dashboard
  $ lockd COMMAND --help               what a command does, with examples

  docs/quickstart.md: all of it in five minutes. Nothing has to be set up first.`;

/** The help of a command, a topic, or (for the empty id) of everything. */
export async function helpPage(root: string, id: string): Promise<string> {
  const file = path.join(root, helpFile(id));
  if (existsSync(file)) return readFileSync(file, "utf8");
  return renderedHelp(root, id);
}

/** The same page made by oclif now. */
export async function renderedHelp(root: string, id: string): Promise<string> {
  const { Config, Help } = await import("@oclif/core");
  const lines: string[] = [];
  class CapturedHelp extends Help {
    protected override log(...parts: string[]): void {
      lines.push(parts.join(" "));
    }
  }
  const config = await Config.load({ root });
  const help = new CapturedHelp(config, { stripAnsi: true, maxWidth: pageWidth });
  await help.showHelp(id === "" ? [] : [id]);
  const command = config.findCommand(id);
  // Which machine built lockd is nobody's business: `lockd version` tells what runs.
  const page = lines
    .join("\n")
    .replace(/VERSION\n.*\n\n/, "")
    // Beside `completion`, which knows the names too, it only asks to be mistaken for it.
    .replace(/^ +autocomplete .*\n/m, "")
    // A command; `namespace set` makes oclif take it for a topic too.
    .replace(/(\nTOPICS\n(?: .*\n)*?) +set .*\n/, "$1")
    .trimEnd();
  const sections = id === "" ? [beginning] : [];
  if (command !== undefined) sections.push(exitCodeSection(id), environmentSection(command));
  return `${[page, ...sections].join("\n\n")}\n`;
}

/** What oclif knows of a command's flags. */
interface FlagsOfCommand {
  readonly flags: Readonly<
    Record<string, { env?: string; description?: string; summary?: string }>
  >;
}

/** Variables that count for every command. */
const everywhere = ["LOCKD_CONFIG_DIR", "LOCKD_CLIENT_CORRELATION_ID"];

function environmentSection({ flags }: FlagsOfCommand): string {
  const named = Object.values(flags).flatMap(({ env, description = "" }) => [
    ...(env === undefined ? [] : [env]),
    ...[...description.matchAll(/\[env: ([A-Z_]+)/g)].map(([, name = ""]) => name),
  ]);
  const names = [...new Set([...named, ...everywhere])].sort();
  return ["ENVIRONMENT", ...wrapped(names.join(" "))].join("\n");
}

function exitCodeSection(id: string): string {
  if (id.startsWith("check:")) {
    const probes = "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (docs/exit-codes.md)";
    return ["EXIT CODES", ...wrapped(probes)].join("\n");
  }
  const codes = Object.entries(exitCodes).map(([name, code]) => {
    const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return `${code} ${words}`;
  });
  const text = `${codes.join(", ")} (docs/exit-codes.md)`;
  return ["EXIT CODES", ...wrapped(text)].join("\n");
}

/** Lines of the page's width, indented as the other sections are. */
function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = " ";
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > pageWidth) {
      lines.push(line);
      line = " ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
