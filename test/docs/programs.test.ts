/**
 * The TypeScript that pages show is written against this library: the types of every block are
 * checked. Names that stand for the reader's own code (`send`, `handle`) may be missing.
 */
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { pages } from "./pages.ts";

const root = path.join(import.meta.dirname, "../..");

/** Cannot find name; no value in scope for a shorthand property. */
const readersOwn = new Set([2304, 2552, 18004]);

/** A block as a module: its imports, a client unless it makes one, the rest in a function. */
function asModule(block: string): string {
  const imports = block.match(/^import .*$/gm) ?? [];
  const rest = block.replace(/^import .*$/gm, "");
  const makesOne = /(?:const|using) lockd = /.test(rest);
  const client = makesOne ? "" : 'declare const lockd: import("lockd").LockdClient;';
  return [...imports, client, `export async function page() {\n${rest}\n}\n`].join("\n");
}

function modules(): Map<string, string> {
  const found = new Map<string, string>();
  for (const [file, page] of pages()) {
    const blocks = [...page.matchAll(/```ts\n((?:(?!```).*\n)*)```/g)];
    for (const [at, [, block = ""]] of blocks.entries()) {
      const name = `${file.replaceAll(/\W/g, "-")}-${at + 1}.ts`;
      found.set(path.join(root, "docs", name), asModule(block));
    }
  }
  return found;
}

/** What the type checker says against the modules, apart from the reader's own names. */
function complaints(sources: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(path.join(root, "tsconfig.check.json"), ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const options = { ...parsed.options, incremental: false, noUnusedLocals: false };
  delete options.tsBuildInfoFile;
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (file) => sources.get(file) ?? readFile(file);
  host.fileExists = (file) => sources.has(file) || fileExists(file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = sources.get(file);
    if (text === undefined) return getSourceFile(file, version, ...rest);
    return ts.createSourceFile(file, text, version);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    const all = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return all
      .filter(({ code }) => !readersOwn.has(code))
      .map(({ messageText }) => {
        const text = ts.flattenDiagnosticMessageText(messageText, " ");
        return `${path.basename(file)}: ${text}`;
      });
  });
}

test("every block fits the library", () => {
  const found = modules();
  expect(found.size).toBeGreaterThan(6);
  const wrong = path.join(root, "docs", "wrong.ts");
  const call = 'await lockd.acquire({ key: "k", ttl: 30 });\nawait lockd.grab("k");\nsend(lockd);';
  found.set(wrong, asModule(call));
  const said = complaints(found);
  expect(said.filter((text) => !text.startsWith("wrong.ts"))).toEqual([]);
  // The check itself is no sham: both mistakes are found, and `send` is the reader's own.
  expect(said.filter((text) => text.startsWith("wrong.ts"))).toHaveLength(2);
}, 120_000);
