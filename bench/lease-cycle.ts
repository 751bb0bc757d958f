/**
 * The lock cycle of lockd over keep-alive HTTP on a durable disk store, against a bare `node:http`
 * echo of the same sizes in the same run. Prints ratios.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startLockd, startProgram } from "./support/children.ts";
import { loadApart } from "./support/load-apart.ts";

const support = path.join(import.meta.dirname, "support");
const seconds = Number(process.argv[2] ?? 4);
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const echo = await startProgram(path.join(support, "echo-server.ts"), []);
const lockd = await startLockd(`disk://${directory}`);

const shown = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
try {
  for (const connections of [64, 8, 1]) {
    const options = { connections, seconds };
    const bare = loadApart(echo, { ...options, cycle: "threeCalls" });
    const three = loadApart(lockd, { ...options, cycle: "threeCalls" });
    const two = loadApart(lockd, { ...options, cycle: "twoCalls" });
    console.log(
      `${connections} connections: echo ${shown(bare.cyclesPerSecond * 3)} requests/s, ` +
        `${shown(bare.cpuMicros / 3)} us CPU each, p50 of 3 ${shown(bare.p50)} ms\n` +
        `  3 calls: ${shown(three.cyclesPerSecond)} cycles/s, ` +
        `${shown(three.cpuMicros / 3)} us CPU a request, ` +
        `p50 ${shown(three.p50)} ms, p99 ${shown(three.p99)} ms; ` +
        `CPU ratio ${shown(three.cpuMicros / bare.cpuMicros)} x echo, ` +
        `rate ratio ${shown(three.cyclesPerSecond / bare.cyclesPerSecond)} x (echo / 3)\n` +
        `  2 calls: ${shown(two.cyclesPerSecond)} cycles/s, p50 ${shown(two.p50)} ms; ` +
        `${shown(two.cyclesPerSecond / three.cyclesPerSecond)} x the 3-call rate`,
    );
  }
} finally {
  await Promise.all([echo.stop(), lockd.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
