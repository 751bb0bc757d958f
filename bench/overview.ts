/** Overviews of many held keys: CPU a refresh, and what they do to keepalives beside them. */
import { startLockd } from "./support/children.ts";
import type { Cycle } from "./support/cycles.ts";
import { HttpConnection } from "./support/http-connection.ts";
import { load } from "./support/load.ts";

const keys = Number(process.argv[2] ?? 100_000);
const seconds = Number(process.argv[3] ?? 6);
const refreshes = 40;
/** Milliseconds; the dashboard's default. */
const refreshMs = 2_000;
const lanes = 16;
const lockd = await startLockd("mem://");

interface Held {
  readonly lease_id: string;
  readonly txn_id: string;
}

async function hold(connection: HttpConnection, key: string): Promise<Held> {
  const body = `{"key":"${key}","owner":"bench","ttl_seconds":1800}`;
  return JSON.parse((await connection.post("/v1/acquire", body)).body) as Held;
}

async function holdAll(): Promise<void> {
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const connection = new HttpConnection(lockd.url);
      for (let key = lane; key < keys; key += lanes) await hold(connection, `held/${key}`);
      connection.close();
    }),
  );
}

/** Milliseconds of server CPU and of waiting for one overview. */
async function measured(connection: HttpConnection, query: string): Promise<string> {
  const cpuBefore = lockd.cpuMicros();
  const from = performance.now();
  for (let n = 0; n < refreshes; n += 1) await connection.post(`/v1/x/overview?${query}`, "");
  const cpuMs = (lockd.cpuMicros() - cpuBefore) / 1000 / refreshes;
  const ms = (performance.now() - from) / refreshes;
  return `${cpuMs.toFixed(1)} ms CPU, ${ms.toFixed(1)} ms until answered`;
}

try {
  await holdAll();
  const connection = new HttpConnection(lockd.url);
  const first = performance.now();
  await connection.post("/v1/x/overview", "");
  console.log(
    `${keys} keys held: first overview after ${(performance.now() - first).toFixed(0)} ms`,
  );
  for (const query of ["limit=100", "limit=200&order=name", "filter=bench&limit=200"]) {
    console.log(`overview?${query}: ${await measured(connection, query)}`);
  }
  const beats: Held[] = [];
  for (let lane = 0; lane < lanes; lane += 1) beats.push(await hold(connection, `beat/${lane}`));
  const keepAlive: Cycle = async (own, lane) => {
    const { lease_id, txn_id } = beats[lane] ?? { lease_id: "", txn_id: "" };
    const body = `{"key":"beat/${lane}","lease_id":"${lease_id}","ttl_seconds":600}`;
    const headers = `X-Fencing-Token: 1\r\nX-Txn-ID: ${txn_id}\r\n`;
    await own.post("/v1/keepalive", body, headers);
  };
  const alone = await load(lockd, { connections: lanes, seconds, cycle: keepAlive });
  const timer = setInterval(() => void connection.post("/v1/x/overview", ""), refreshMs);
  const beside = await load(lockd, { connections: lanes, seconds, cycle: keepAlive });
  clearInterval(timer);
  const again = await load(lockd, { connections: lanes, seconds, cycle: keepAlive });
  const without = Math.min(alone.p99, again.p99);
  console.log(
    `keepalive p99: ${alone.p99.toFixed(2)} and ${again.p99.toFixed(2)} ms alone, ` +
      `${beside.p99.toFixed(2)} ms beside an overview every ${refreshMs} ms: ` +
      `${(beside.p99 / without).toFixed(2)} x`,
  );
  connection.close();
} finally {
  await lockd.stop();
}
