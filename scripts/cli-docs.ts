/**
 * Writes docs/cli/: a page for each command or topic and one that leads to them, all from oclif's
 * manifest. `npm run build` first when commands changed, then `npm run docs`.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { commandPart, flagTable, globalFlagsOf } from "./cli-docs/command-part.ts";
import {
  type ManifestCommand,
  readManifest,
  topicDescription,
  typed,
} from "./cli-docs/manifest.ts";
import { sortedByPurpose } from "./cli-docs/purposes.ts";
import { savedJsonForms } from "./recording/json-forms.ts";

export const cliDocsFolder = path.join(import.meta.dirname, "..", "docs", "cli");

const madeFrom = "<!-- Made by `npm run docs` from oclif.manifest.json; do not edit. -->";

/** Pages that say more, where they are there. */
const guides: Readonly<Record<string, readonly string[]>> = {
  run: ["run.md"],
  work: ["work.md"],
  subscribe: ["work.md"],
  txn: ["transactions.md"],
  attachments: ["attachments.md"],
  query: ["queries.md", "lql.md"],
  index: ["query-index.md"],
  namespace: ["queries.md"],
  mutate: ["lql.md"],
  set: ["lql.md"],
  edit: ["lql.md"],
  watch: ["watching.md"],
  top: ["watching.md"],
  tui: ["tui.md"],
  dev: ["tui.md"],
  serve: ["operations.md"],
  verify: ["operations.md"],
  config: ["operations.md"],
  queue: ["queues.md"],
  enqueue: ["queues.md"],
  dequeue: ["queues.md"],
  acquire: ["concepts.md"],
  fence: ["fencing.md"],
  doctor: ["operations.md"],
  check: ["operations.md"],
};

function isThere(file: string): boolean {
  return existsSync(path.join(cliDocsFolder, "..", file));
}

function seeAlso(page: string): string {
  const more = (guides[page] ?? [])
    .filter(isThere)
    .map((file) => `[${file.replace(".md", "")}](../${file})`);
  const shared = "[flags that every command has](README.md#flags-that-every-command-has)";
  const rest = [shared, "[exit codes](../exit-codes.md)", "[all commands](README.md)"];
  return `See also: ${[...more, ...rest].join(", ")}.`;
}

type Forms = Readonly<Record<string, string>>;

function commandPage(command: ManifestCommand, forms: Forms): string {
  const jsonForm = forms[command.id];
  const part = commandPart(command, { level: "#", jsonForm });
  return [madeFrom, "", ...part, seeAlso(command.id), ""].join("\n");
}

function topicPage(topic: string, commands: readonly ManifestCommand[], forms: Forms): string {
  const parts = commands.flatMap((command) =>
    commandPart(command, { level: "##", jsonForm: forms[command.id] }),
  );
  const about = topicDescription(topic);
  return [
    madeFrom,
    "",
    `# ${typed(topic)}`,
    "",
    ...(about === undefined ? [] : [`${about}.`, ""]),
    ...commands.map(({ id, summary }) => `- [\`${typed(id)}\`](#${anchor(id)}): ${summary}`),
    "",
    ...parts,
    seeAlso(topic),
    "",
  ].join("\n");
}

/** The anchor of a command's heading, as Markdown viewers make it. */
function anchor(id: string): string {
  return typed(id).replaceAll(" ", "-");
}

function indexPage(pages: ReadonlyMap<string, readonly ManifestCommand[]>): string {
  const rowsOf = (page: string) =>
    (pages.get(page) ?? []).map(({ id, summary }) => {
      const target = id === page ? `${page}.md` : `${page}.md#${anchor(id)}`;
      return `| [\`${typed(id)}\`](${target}) | ${summary} |`;
    });
  const parts = sortedByPurpose([...pages.keys()]).flatMap(({ title, pages: names }) => [
    `## ${title}`,
    "",
    "| command | |",
    "|---|---|",
    ...names.flatMap(rowsOf),
    "",
  ]);
  const [first] = pages.values();
  const globals = first?.[0] === undefined ? [] : globalFlagsOf(first[0]);
  return [
    madeFrom,
    "",
    "# Commands",
    "",
    "Every command with its flags, exit codes and JSON. `lockd COMMAND --help` tells flags too;",
    "for everyday use the [cheat sheet](../cheatsheet.md) is shorter.",
    "",
    "`lockd client COMMAND` is the same as `lockd COMMAND`, for scripts that were written so.",
    "",
    ...parts,
    "## Flags that every command has",
    "",
    "They may also stand in front of the command: `lockd -s http://127.0.0.1:9341 status orders`.",
    "",
    ...flagTable(globals),
  ].join("\n");
}

/** All pages by file name, made in memory. */
export function cliPages(
  commands: readonly ManifestCommand[] = readManifest(),
  forms: Forms = savedJsonForms(),
): Map<string, string> {
  const byPage = new Map<string, ManifestCommand[]>();
  for (const command of commands.filter(({ hidden }) => hidden !== true)) {
    const [page = ""] = command.id.split(":");
    byPage.set(page, [...(byPage.get(page) ?? []), command]);
  }
  const pages = new Map([["README.md", indexPage(byPage)]]);
  for (const [page, members] of byPage) {
    const [only] = members;
    const alone = members.length === 1 && only?.id === page;
    pages.set(`${page}.md`, alone ? commandPage(only, forms) : topicPage(page, members, forms));
  }
  return pages;
}

if (process.argv[1] === import.meta.filename) {
  rmSync(cliDocsFolder, { recursive: true, force: true });
  mkdirSync(cliDocsFolder, { recursive: true });
  for (const [name, page] of cliPages()) writeFileSync(path.join(cliDocsFolder, name), page);
}
