/** Gets of a cached 300 B state: CPU against a bare echo, and the wait beside a write load. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startLockd, startProgram } from "./support/children.ts";
import { type Cycle, stateText, threeCalls } from "./support/cycles.ts";
import { HttpConnection } from "./support/http-connection.ts";
import { load } from "./support/load.ts";

const support = path.join(import.meta.dirname, "support");
const seconds = Number(process.argv[2] ?? 4);
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const echo = await startProgram(path.join(support, "echo-server.ts"), []);
const lockd = await startLockd(`disk://${directory}`);

/** Commits one state and answers the headers of a lease on another one. */
async function prepared(): Promise<string> {
  const connection = new HttpConnection(lockd.url);
  await threeCalls(connection, 1_000_000, 1);
  const body = '{"key":"held","owner":"bench","ttl_seconds":600}';
  const { body: lease } = await connection.post("/v1/acquire", body);
  const ids = JSON.parse(lease) as { lease_id: string; txn_id: string };
  const txn = `X-Txn-ID: ${ids.txn_id}\r\n`;
  const headers = `X-Lease-ID: ${ids.lease_id}\r\n${txn}X-Fencing-Token: 1\r\n`;
  await connection.post("/v1/update?key=held", stateText, headers);
  connection.close();
  return headers;
}

const headers = await prepared();
const publicGet: Cycle = async (connection) => {
  await connection.post("/v1/get?key=bench/1000000&public=1", "");
};
const leasedGet: Cycle = async (connection) => {
  await connection.post("/v1/get?key=held", "", headers);
};

try {
  const bare = await load(echo, { connections: 64, seconds, cycle: publicGet });
  for (const [name, cycle] of [
    ["public get", publicGet],
    ["leased get", leasedGet],
  ] as const) {
    const result = await load(lockd, { connections: 64, seconds, cycle });
    console.log(
      `${name}: ${result.cyclesPerSecond.toFixed(0)}/s, ${result.cpuMicros.toFixed(1)} us CPU; ` +
        `CPU ratio ${(result.cpuMicros / bare.cpuMicros).toFixed(2)} x echo ` +
        `(${bare.cpuMicros.toFixed(1)} us)`,
    );
  }
  const alone = await load(lockd, { connections: 1, seconds, cycle: publicGet });
  // From a process of their own: the reader must wait for the server, not for our own event loop.
  const writers = await startProgram(path.join(support, "writers.ts"), [
    lockd.url,
    "32",
    String(seconds * 2),
  ]);
  const beside = await load(lockd, { connections: 1, seconds, cycle: publicGet });
  await writers.stop();
  console.log(
    `public get by one client: p50 ${alone.p50.toFixed(3)} ms alone, ` +
      `${beside.p50.toFixed(3)} ms beside 32 writers: ${(beside.p50 / alone.p50).toFixed(2)} x`,
  );
} finally {
  await Promise.all([echo.stop(), lockd.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
