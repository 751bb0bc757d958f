/**
 * Builds `dist/`: each command, the library entry and the worker as bundles that share chunks (few
 * files to open at start), and the type declarations. Native and worker-based packages stay
 * external; `dist/manifest.json` of oclif is written last.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const root = path.join(import.meta.dirname, "..");

/** Loaded from node_modules as they are: native code, worker files, or large and rarely needed. */
const external = ["better-sqlite3", "pino", "yaml", "typescript", "ts-node", "tsx"];

/** CommonJS packages inside an ES module bundle still call `require` for Node's own modules. */
const requireBanner =
  'import { createRequire as lockdCreateRequire } from "node:module";' +
  "const require = lockdCreateRequire(import.meta.url);";

function entryPoints(): Record<string, string> {
  const entries: Record<string, string> = {
    index: "src/index.ts",
    launch: "src/cli/launch.ts",
    "mover-worker": "src/storage/disk/journal/mover-worker.ts",
  };
  for (const file of globSync("src/commands/**/*.ts", { cwd: root })) {
    const relative = path.relative("src", file).split(path.sep).join("/");
    entries[relative.replace(/\.ts$/, "")] = file;
  }
  return entries;
}

async function bundle(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: entryPoints(),
    outdir: "dist",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    chunkNames: "chunk-[hash]",
    external,
    banner: { js: requireBanner },
    legalComments: "none",
    logLevel: "warning",
  });
}

function declarations(): void {
  const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const options = ["--emitDeclarationOnly", "--outDir", "dist"];
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.json", ...options], {
    cwd: root,
    stdio: "inherit",
  });
}

rmSync(path.join(root, "dist"), { recursive: true, force: true });
mkdirSync(path.join(root, "dist"));
declarations();
await bundle();
