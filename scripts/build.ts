/**
 * Builds `dist/`: each command, the library entry and the worker as bundles that share chunks (few
 * files to open at start), and the type declarations. Native and worker-based packages stay
 * external. Last come oclif's manifest and the help pages.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { helpFile, renderedHelp } from "../src/cli/help-page.ts";
import { outlineFile, outlineOf, readManifest } from "../src/cli/program.ts";
import { dashboardApart, loadDashboard, withoutDevtools } from "./dashboard-apart.ts";
import { deferredModules } from "./deferred-modules.ts";
import { linkProgram } from "./link-program.ts";
import { sqliteInside } from "./sqlite-inside.ts";

const root = path.join(import.meta.dirname, "..");

/** Loaded from node_modules as they are: native code, worker files, or large and rarely needed. */
const external = [
  "better-sqlite3",
  "pino",
  "prom-client",
  "@opentelemetry/*",
  "yaml",
  "typescript",
  "ts-node",
  "tsx",
];

/** CommonJS packages inside an ES module bundle still call `require` for Node's own modules. */
const requireBanner =
  'import { createRequire as lockdCreateRequire } from "node:module";' +
  "const require = lockdCreateRequire(import.meta.url);";

/** What is imported or started as a process or thread of its own. */
const programs = {
  index: "src/index.ts",
  "watchdog-main": "src/cli/run/watchdog-main.ts",
  "mover-worker": "src/storage/disk/journal/mover-worker.ts",
  "index-worker": "src/indexing/index-worker.ts",
  "extending-main": "src/local/extending-main.ts",
};

/** The commands by themselves, for oclif: its manifest, its help and its plugins. */
function commandEntries(): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const file of globSync("src/commands/**/*.ts", { cwd: root })) {
    const relative = path.relative("src", file).split(path.sep).join("/");
    entries[relative.replace(/\.ts$/, "")] = file;
  }
  return entries;
}

const common: BuildOptions = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22",
  external,
  banner: { js: requireBanner },
  // Names stay, so that a stack trace in a report can be read; the rest is start-up time.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
};

async function bundle(): Promise<void> {
  await build({ ...common, entryPoints: programs });
  await commandLine();
  const chunkNames = "commands/chunks/[hash]";
  const plugins = [dashboardApart("../dashboard.js")];
  await build({ ...common, entryPoints: commandEntries(), splitting: true, chunkNames, plugins });
  // Ink and React: an ES module of its own, which only the dashboard loads. Theirs is the one code
  // that looks at NODE_ENV; the development build of React would be loaded without it.
  await build({
    ...common,
    entryPoints: { dashboard: "src/tui/main.tsx" },
    jsx: "automatic",
    plugins: [withoutDevtools],
    define: { "process.env.NODE_ENV": '"production"', "process.env.DEV": '"false"' },
  });
  writeFileSync(path.join(root, "dist", "load-dashboard.cjs"), loadDashboard);
}

/**
 * The command line is one CommonJS file: there, unlike in ES modules, Node's own modules that a
 * command does not use are not loaded, and only one file has to be found.
 */
async function commandLine(): Promise<void> {
  const { outputFiles, metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: { launch: "src/cli/launch.ts" },
    splitting: true,
    write: false,
    external: external.filter((name) => name !== "better-sqlite3"),
    plugins: [sqliteInside, deferredModules, dashboardApart("./load-dashboard.cjs")],
    banner: {},
    define: { "import.meta.url": "lockdModuleUrl" },
  });
  const chunks = outputFiles.map(({ path: file, text }) => ({
    name: path.basename(file),
    source: lastSource(metafile, file),
    text,
  }));
  writeFileSync(path.join(root, "dist", "launch.cjs"), linkProgram(chunks, "launch.js"));
}

/** The last source of a chunk: all others in it are there for its sake. */
function lastSource({ outputs }: Metafile, file: string): string {
  const inputs = outputs[path.relative(root, file)]?.inputs ?? {};
  // Wherever the packages are.
  return (Object.keys(inputs).at(-1) ?? path.basename(file)).replace(/^.*node_modules\//, "");
}

/** Ends the program with a name for its bytes, under which its bytecode is kept. */
function nameBuild(): void {
  const file = path.join(root, "dist", "launch.cjs");
  const source = readFileSync(file);
  const sum = createHash("sha256").update(source).digest("hex");
  appendFileSync(file, `//# lockd-build ${sum.slice(0, 16)}\n`);
}

function declarations(): void {
  const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const options = ["--emitDeclarationOnly", "--outDir", "dist"];
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.json", ...options], {
    cwd: root,
    stdio: "inherit",
  });
}

/** oclif's list of commands, shipped so that none has to be loaded to be found. */
function manifest(): void {
  const oclif = path.join(root, "node_modules", "oclif", "bin", "run.js");
  execFileSync(process.execPath, [oclif, "manifest"], { cwd: root, stdio: "ignore" });
  // In one order whatever the file system's is, so that two builds of one source are equal.
  const file = path.join(root, "oclif.manifest.json");
  const { commands, ...rest } = JSON.parse(readFileSync(file, "utf8")) as { commands: object };
  const sorted = Object.entries(commands).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify({ commands: Object.fromEntries(sorted), ...rest }, undefined, 2);
  writeFileSync(file, text);
  const outline = outlineOf(readManifest(root));
  writeFileSync(path.join(root, outlineFile), JSON.stringify(outline));
}

/** Help pages are made once here, not at every `--help`. */
async function helpPages(): Promise<void> {
  const { commands } = readManifest(root);
  const topics = Object.keys(commands).flatMap((id) => {
    const words = id.split(":");
    return words.slice(1).map((_word, at) => words.slice(0, at + 1).join(":"));
  });
  for (const id of new Set(["", ...topics, ...Object.keys(commands)])) {
    const file = path.join(root, helpFile(id));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, await renderedHelp(root, id));
  }
}

rmSync(path.join(root, "dist"), { recursive: true, force: true });
mkdirSync(path.join(root, "dist"));
declarations();
await bundle();
nameBuild();
manifest();
await helpPages();
