/**
 * Transactions of two keys over HTTP beside the same work as two transactions of one key each, by
 * 64 clients on a durable disk store. Both in turn, so that what else the machine does meets both.
 *
 * node bench/txn-http.ts [seconds of each run] [rounds]; needs `npm run build`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startLockd } from "./support/children.ts";
import { loadApart } from "./support/load-apart.ts";

const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 3);
const connections = 64;

const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const lockd = await startLockd(`disk://${directory}`);

for (let round = 0; round < rounds; round += 1) {
  const alone = loadApart(lockd, { cycle: "apart", seconds, connections });
  const joint = loadApart(lockd, { cycle: "jointly", seconds, connections });
  const ratio = joint.cyclesPerSecond / alone.cyclesPerSecond;
  console.log(
    `${connections} clients over HTTP: ` +
      `two of one key ${alone.cyclesPerSecond.toFixed(0)} pairs/s ` +
      `(6 calls, ${alone.cpuMicros.toFixed(0)} us server CPU), one of two keys ` +
      `${joint.cyclesPerSecond.toFixed(0)} (5 calls, ${joint.cpuMicros.toFixed(0)} us): ` +
      `rate ${ratio.toFixed(2)} x (wanted: 0.6), ` +
      `CPU ${(joint.cpuMicros / alone.cpuMicros).toFixed(2)} x`,
  );
}
await lockd.stop();
rmSync(directory, { recursive: true, force: true });
