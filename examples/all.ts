/** Runs the examples named, or all of them, one after the other: `npm run examples`. */
import { spawnSync } from "node:child_process";
import path from "node:path";

/** Folder of each example, and the program that runs it. */
export const examples: Readonly<Record<string, string>> = {
  "cron-job": "run.sh",
  "leader-election": "main.ts",
  "work-queue": "run.sh",
  "checkpointing-etl": "main.ts",
  "rate-limited-rollout": "main.ts",
  "exactly-once": "main.ts",
};

/** What to start for an example. */
export function commandOf(name: string): readonly [file: string, ...words: string[]] {
  const file = path.join(import.meta.dirname, name, examples[name] ?? "");
  return file.endsWith(".sh") ? ["/bin/sh", file] : [process.execPath, file];
}

if (process.argv[1] === import.meta.filename) {
  const asked = process.argv.slice(2);
  for (const name of asked.length > 0 ? asked : Object.keys(examples)) {
    if (examples[name] === undefined) throw new Error(`there is no example ${name}`);
    console.log(`\n== ${name}`);
    const [file, ...words] = commandOf(name);
    const { status } = spawnSync(file, words, { stdio: "inherit" });
    if (status !== 0) process.exit(1);
  }
}
