/** Many inline processes on one directory, without a server: no count may be lost or doubled. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openLockd } from "../../src/index.ts";

export interface CounterStorm {
  readonly processes: number;
  readonly rounds: number;
}

/** @throws when the counter is not exact */
export async function counterStorm({ processes, rounds }: CounterStorm): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-counter-"));
  const worker = path.join(import.meta.dirname, "counter-worker.ts");
  const from = performance.now();
  const ends = await Promise.all(
    Array.from({ length: processes }, async () => {
      const args = ["--no-warnings", worker, directory, String(rounds)];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
      const [code] = (await once(child, "exit")) as [number | null];
      return code;
    }),
  );
  const seconds = (performance.now() - from) / 1000;
  const lockd = await openLockd({ store: `disk://${directory}` });
  const { n } = await lockd.load<{ n: number }>("counter");
  await lockd.close();
  rmSync(directory, { recursive: true });
  if (ends.some((code) => code !== 0)) throw new Error(`workers ended with ${ends.join(", ")}`);
  const expected = processes * rounds;
  if (n !== expected) throw new Error(`the counter stands at ${n}, not at ${expected}`);
  return `${processes} processes counted to ${n} in ${seconds.toFixed(1)} s`;
}
