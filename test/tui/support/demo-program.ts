/** The demo as one file that Node can run, made once a test file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { withoutDevtools } from "../../../scripts/dashboard-apart.ts";

export interface DemoProgram {
  /** A shell command line. */
  readonly command: (scenario: string) => string;
  remove(): void;
}

export async function demoProgram(): Promise<DemoProgram> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-tui-"));
  const outfile = path.join(directory, "demo.mjs");
  await build({
    entryPoints: [path.join(import.meta.dirname, "demo-main.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    jsx: "automatic",
    plugins: [withoutDevtools],
    define: { "process.env.NODE_ENV": '"production"', "process.env.DEV": '"false"' },
    banner: {
      js:
        'import { createRequire as makeRequire } from "node:module";' +
        "const require = makeRequire(import.meta.url);",
    },
    logLevel: "warning",
  });
  return {
    command: (scenario) => `${process.execPath} ${outfile} ${scenario}`,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
