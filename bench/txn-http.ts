/**
 * Transactions of two keys over HTTP beside the same work as two transactions of one key each, by
 * 64 clients on a durable disk store. Both in turn, so that what else the machine does meets both.
 *
 * node bench/txn-http.ts [seconds of each run] [rounds]; needs `npm run build`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemRandom } from "../src/host/random.ts";
import { startLockd } from "./support/children.ts";
import { type Cycle, commit, commitBoth } from "./support/cycles.ts";
import { load } from "./support/load.ts";

const seconds = Number(process.argv[2] ?? 4);
const rounds = Number(process.argv[3] ?? 3);
const connections = 64;
const random = systemRandom();
const state = JSON.stringify({ balance: 100, note: "x".repeat(100) });

const apart: Cycle = async (connection, lane, round) => {
  const changed = state.replace("100", String(100 + (round % 10)));
  await commit(connection, `apart/${lane}a`, changed);
  await commit(connection, `apart/${lane}b`, changed);
};

const jointly: Cycle = async (connection, lane, round) => {
  const changed = state.replace("100", String(100 + (round % 10)));
  const keys = [`joint/${lane}a`, `joint/${lane}b`] as const;
  await commitBoth(connection, { txnId: random.xid(), keys, state: changed });
};

const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const lockd = await startLockd(`disk://${directory}`);
for (let round = 0; round < rounds; round += 1) {
  const alone = await load(lockd, { connections, seconds, cycle: apart });
  const joint = await load(lockd, { connections, seconds, cycle: jointly });
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
