/** Wall time of whole commands of the built lockd, against `node -e 0`, in turn. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startLockd } from "./support/children.ts";

const rounds = Number(process.argv[2] ?? 25);
const program = path.join(import.meta.dirname, "../bin/lockd.js");
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const server = await startLockd("mem://");
const env = { ...process.env, LOCKD_CONFIG_DIR: directory };

const commands: Readonly<Record<string, readonly string[]>> = {
  "node -e 0": ["-e", "0"],
  "lockd --help": [program, "--help"],
  "lockd get, server": [program, "get", "k", "--public", "-q", "-s", server.url],
  "lockd acquire, inline": [program, "acquire"],
};

function timed(words: readonly string[]): number {
  const from = performance.now();
  const { status } = spawnSync(process.execPath, words, { env, stdio: "ignore" });
  if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}`);
  return performance.now() - from;
}

const times = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
for (let round = 0; round < rounds + 3; round += 1) {
  for (const [name, words] of Object.entries(commands)) {
    const ms = timed(words);
    if (round >= 3) times.get(name)?.push(ms);
  }
}
const median = (name: string): number =>
  times.get(name)?.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
for (const name of Object.keys(commands)) {
  const ratio = median(name) / median("node -e 0");
  console.log(`${name}: ${median(name).toFixed(1)} ms, ${ratio.toFixed(2)} x node -e 0`);
}
await server.stop();
rmSync(directory, { recursive: true, force: true });
