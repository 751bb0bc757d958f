/**
 * `npm run unit`: every test; of a few cases by the clock that fail, a second look, alone. What
 * failed at first is named at the end either way.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type FileResult, verdictOf } from "./verdict.ts";

const root = path.join(import.meta.dirname, "..");
const vitest = path.join(root, "../node_modules/vitest/vitest.mjs");

function run(words: readonly string[]): number {
  const args = ["--no-warnings", vitest, "run", ...words];
  return spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
}

function resultsIn(file: string): readonly FileResult[] {
  const report = JSON.parse(readFileSync(file, "utf8")) as { testResults: readonly FileResult[] };
  return report.testResults;
}

/** The exit code. */
function main(asked: readonly string[]): number {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-unit-"));
  try {
    const report = path.join(directory, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const first = run([...reporters, ...asked]);
    if (first === 0) return 0;
    const verdict = verdictOf(resultsIn(report), root);
    if (verdict.kind === "failed") {
      console.error(`no second look: ${verdict.why}`);
      return first;
    }
    console.error(`a second look, alone, at:\n  ${verdict.cases.join("\n  ")}`);
    const second = run(["--maxWorkers=1", ...verdict.files]);
    const outcome = second === 0 ? "passed" : "failed";
    const told = verdict.cases.join("\n  ");
    console.error(`failed beside the other tests, ${outcome} alone:\n  ${told}`);
    return second;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = main(process.argv.slice(2));
