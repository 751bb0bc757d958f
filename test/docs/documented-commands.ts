/** Command lines of lockd as pages show them, and what is wrong with them. */
import { readManifest } from "../../scripts/cli-docs/manifest.ts";
import { arrangeWords } from "../../src/cli/arrange-words.ts";

const manifest = new Map(
  readManifest().flatMap((command) =>
    [command.id, ...command.aliases, ...command.hiddenAliases].map((id) => [id, command] as const),
  ),
);

/** Flags that oclif and the launcher know by themselves. */
const builtIn = new Set(["--help", "-h", "--version"]);

/** Contents of the shell blocks of a page. */
export function shellBlocks(page: string): string[] {
  return [...page.matchAll(/```sh\n((?:(?!```).*\n)*)```/g)].map(([, block = ""]) => block);
}

/** Commands that a page names in its sentences, `lockd run`; not those left open by an ellipsis. */
export function namedCommands(page: string): string[] {
  const prose = page.replace(/```[\s\S]*?```/g, "");
  const named = [...prose.matchAll(/`(lockd [a-z-][^`]*)`/g)].map(([, text = ""]) => text);
  return named.filter((text) => !text.includes("…") && !text.includes("..."));
}

/** Words of a simple command; where it ends by `|`, `;`, `)`, `&`, `>`, a comment or a line. */
function wordsFrom(text: string): string[] {
  const words: string[] = [];
  const token =
    /\s*(?:('[^'\n]*'|"(?:\\.|[^"\\\n])*"|\\.|[^\s'"|;)&<>#\\]|(?<=\S)#)+|[|;)&<>#'"\n])/y;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const line = found[0].match(/^[ \t]*\n/);
    const word = found[0].trim();
    if (line !== null || /^[|;)&<>#'"]$/.test(word) || word === "--") break;
    words.push(word.replace(/^['"]|['"]$/g, ""));
  }
  return words;
}

/** Every `lockd ...` in a block, as words behind `lockd`. Lines may go on with a backslash. */
export function lockdCommands(block: string): string[][] {
  const text = block.replaceAll("\\\n", " ");
  return [...text.matchAll(/(?<![\w./-])lockd(?= +[a-z-])/g)].flatMap(({ index }) => {
    const lineStart = text.lastIndexOf("\n", index) + 1;
    const before = text.slice(lineStart, index);
    if (/(^|\s)#/.test(before) || /(alias|npm) /.test(before)) return [];
    return [wordsFrom(text.slice(index + "lockd".length))];
  });
}

/** `lockd txn`, `lockd --help`, `lockd help watch`, and placeholders: `lockd client COMMAND`. */
function isTopicOrHelp(words: readonly string[]): boolean {
  const named = words.filter((word) => !builtIn.has(word) && word !== "help" && word !== "client");
  if (named.length === 0 || /^[A-Z]+$/.test(named[0] ?? "")) return true;
  const id = named.join(":");
  return [...manifest.keys()].some((known) => known.startsWith(`${id}:`) || known === id);
}

/** The words as the launcher arranges them, with the command they name. */
function arranged(words: readonly string[]) {
  const serve = Object.values(manifest.get("serve")?.flags ?? {});
  const leadingFlags = serve.map(({ name, char, type }) => ({
    name,
    char,
    takesValue: type === "option",
  }));
  const found = arrangeWords(words, { commands: new Set(manifest.keys()), leadingFlags });
  return { words: found.words, named: found.command, command: manifest.get(found.command ?? "") };
}

/** The id of the command that a command line runs, whichever way it is spelled. */
export function commandIdOf(line: readonly string[]): string | undefined {
  return arranged(line).command?.id;
}

/** What keeps this from being a command line of this lockd; undefined when it is one. */
export function faultOf(line: readonly string[]): string | undefined {
  const { words, named, command } = arranged(line);
  if (named === undefined && isTopicOrHelp(words)) return undefined;
  if (command === undefined) return `there is no command ${line.join(" ")}`;
  const flags = Object.values(command.flags);
  for (const word of words) {
    if (!/^-{1,2}[a-zA-Z]/.test(word) || builtIn.has(word)) continue;
    const name = word.replace(/=.*$/, "");
    const known = flags.some(
      (flag) =>
        name === `--${flag.name}` ||
        (flag.allowNo === true && name === `--no-${flag.name}`) ||
        (flag.char !== undefined && name === `-${flag.char}`),
    );
    if (!known) return `lockd ${command.id.replaceAll(":", " ")} has no flag ${name}`;
  }
  return undefined;
}
