/** The lock cycle of lockd beside other services, in one run; those not installed are skipped. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startLockd } from "./support/children.ts";
import { loadApart } from "./support/load-apart.ts";
import { etcd, postgres, redis } from "./support/peers.ts";

const seconds = Number(process.argv[2] ?? 5);
const connections = 64;
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const lockd = await startLockd(`disk://${directory}`);
const own = loadApart(lockd, { connections, seconds, cycle: "threeCalls" });
await lockd.stop();
rmSync(directory, { recursive: true, force: true });
console.log(
  `lockd, 3 calls, ${connections} connections: ${own.cyclesPerSecond.toFixed(0)} cycles/s`,
);
for (const [name, peer] of Object.entries({ etcd, postgres, redis })) {
  const result = await peer(connections, seconds);
  if (result === undefined) console.log(`${name}: not installed, skipped`);
  else {
    const ratio = own.cyclesPerSecond / result.cyclesPerSecond;
    const shown = result.cyclesPerSecond.toFixed(0);
    console.log(`${result.name}: ${shown} cycles/s; lockd is ${ratio.toFixed(2)} x that`);
  }
}
