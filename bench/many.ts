/** Memory of many held keys and many blocked waiters, and keepalives under that load. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Measured, startLockd } from "./support/children.ts";
import type { Cycle } from "./support/cycles.ts";
import { HttpConnection } from "./support/http-connection.ts";
import { load } from "./support/load.ts";

const keys = Number(process.argv[2] ?? 100_000);
const waiters = Number(process.argv[3] ?? 10_000);

/** Milliseconds after which V8 has given back what the burst of connections left behind. */
const settleMs = 20_000;

async function withServer(use: (server: Measured) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
  const server = await startLockd(`disk://${directory}`);
  try {
    await use(server);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function acquireBody(key: string, block: number): string {
  return `{"key":"${key}","owner":"bench","ttl_seconds":1800,"block_seconds":${block}}`;
}

async function hold(server: Measured, count: number): Promise<string> {
  let next = 0;
  let first = "";
  const lanes = Array.from({ length: 64 }, async () => {
    const connection = new HttpConnection(server.url);
    while (next < count) {
      const key = `held/${next++}`;
      const { body } = await connection.post("/v1/acquire", acquireBody(key, -1));
      if (key === "held/0") first = body;
    }
    connection.close();
  });
  await Promise.all(lanes);
  return first;
}

function keepalives(lease: string): Cycle {
  const { lease_id, txn_id } = JSON.parse(lease) as { lease_id: string; txn_id: string };
  const body = JSON.stringify({ key: "held/0", lease_id, txn_id, ttl_seconds: 1800 });
  return async (connection) => {
    const answer = await connection.post("/v1/keepalive", body, "X-Fencing-Token: 1\r\n");
    if (!answer.head.startsWith("HTTP/1.1 200")) throw new Error(answer.head);
  };
}

const p99Of = async (server: Measured, lease: string): Promise<number> =>
  (await load(server, { connections: 1, seconds: 3, cycle: keepalives(lease) })).p99;

await withServer(async (server) => {
  console.log(`idle server: ${server.rssMegabytes().toFixed(0)} MiB`);
  const lease = await hold(server, 1);
  const unloaded = await p99Of(server, lease);
  await hold(server, keys);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const rss = server.rssMegabytes();
  const loaded = await p99Of(server, lease);
  console.log(
    `${keys} keys held: ${rss.toFixed(0)} MiB; keepalive p99 ${unloaded.toFixed(2)} ms alone, ` +
      `${loaded.toFixed(2)} ms then: ${(loaded / unloaded).toFixed(2)} x`,
  );
});

await withServer(async (server) => {
  const lease = await hold(server, 1);
  const unloaded = await p99Of(server, lease);
  const blocked = Array.from({ length: waiters }, () => new HttpConnection(server.url));
  for (const connection of blocked) void connection.post("/v1/acquire", acquireBody("held/0", 0));
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const burst = server.rssMegabytes();
  const loaded = await p99Of(server, lease);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  console.log(
    `${waiters} blocked waiters: ${burst.toFixed(0)} MiB after the burst of connections, ` +
      `${server.rssMegabytes().toFixed(0)} MiB when they have waited a while; ` +
      `keepalive p99 ${unloaded.toFixed(2)} ms alone, ` +
      `${loaded.toFixed(2)} ms then: ${(loaded / unloaded).toFixed(2)} x`,
  );
  for (const connection of blocked) connection.close();
});
