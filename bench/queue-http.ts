/** Queues over HTTP: cycles beside bare HTTP and beanstalkd, streams, wake-ups, long payloads. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { HttpLockd } from "../src/client/http-lockd.ts";
import { beanstalkd } from "./support/beanstalkd.ts";
import { type Measured, startLockd, startProgram } from "./support/children.ts";
import { HttpConnection } from "./support/http-connection.ts";
import { loadApart } from "./support/load-apart.ts";
import { enqueue } from "./support/queue-cycles.ts";

const seconds = Number(process.argv[2] ?? 5);
const connections = 64;
/** Messages of each drain; the connections that fill divide it. */
const backlog = 12_800;
const streams = 16;
const gigabyte = 1024 ** 3;

const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const lockd = await startLockd(`disk://${directory}`);

async function cycles(): Promise<void> {
  const own = loadApart(lockd, { connections, seconds, cycle: "queueCycle" });
  const echo = await startProgram(path.join(import.meta.dirname, "support/echo-server.ts"), []);
  const bare = loadApart(echo, { connections, seconds, cycle: "queueCycle" });
  await echo.stop();
  const rate = own.cyclesPerSecond;
  console.log(
    `enqueue, dequeue, ack, ${connections} connections: ${rate.toFixed(0)} cycles/s, ` +
      `p50 ${own.p50.toFixed(1)} ms, p99 ${own.p99.toFixed(1)} ms, ` +
      `${own.cpuMicros.toFixed(0)} us CPU (bare HTTP: ${bare.cpuMicros.toFixed(0)})`,
  );
  const share = rate / bare.cyclesPerSecond;
  console.log(
    `bare HTTP, same requests: ${bare.cyclesPerSecond.toFixed(0)} cycles/s; lockd does ` +
      `${share.toFixed(2)} of that (wanted: 0.5)`,
  );
  const peer = await beanstalkd(connections, seconds);
  if (peer === undefined) console.log("beanstalkd: not installed, skipped");
  else {
    console.log(
      `beanstalkd, binlog synced on every write: ${peer.toFixed(0)} cycles/s; lockd does ` +
        `${(rate / peer).toFixed(2)} x that (wanted: 3)`,
    );
  }
}

async function fill(queue: string): Promise<void> {
  const lanes = Array.from({ length: connections }, async () => {
    const connection = new HttpConnection(lockd.url);
    for (let at = 0; at < backlog / connections; at += 1) await enqueue(connection, queue);
    connection.close();
  });
  await Promise.all(lanes);
}

const drainProgram = path.join(import.meta.dirname, "support/drain.ts");

/** Deliveries a second with their acks, one request each or by streams. */
async function deliveries(): Promise<void> {
  const drained = async (how: "dequeue" | "stream", clients: number): Promise<number> => {
    const queue = `by-${how}`;
    await fill(queue);
    const words = [drainProgram, lockd.url, how, queue, String(backlog), String(clients)];
    return Number(execFileSync(process.execPath, ["--no-warnings", ...words]).toString());
  };
  const dequeued = await drained("dequeue", connections);
  const streamed = await drained("stream", streams);
  console.log(
    `delivery with ack: ${dequeued.toFixed(0)}/s by dequeue, ${streamed.toFixed(0)}/s by ` +
      `${streams} streams: ${(streamed / dequeued).toFixed(2)} x (wanted: 2)`,
  );
}

/** From the enqueue's request, and from its answer, to the message at a waiting consumer. */
async function wakeUps(): Promise<void> {
  const client = new HttpLockd({ endpoints: lockd.url });
  const abort = new AbortController();
  let arrived = Promise.withResolvers<number>();
  const consuming = (async () => {
    const request = { queue: "wake", owner: "bench", pageSize: 64 };
    const call = { signal: abort.signal };
    for await (const delivery of await client.queues.subscribe(request, call)) {
      arrived.resolve(performance.now());
      void client.queues.ack({ ...delivery });
    }
  })();
  consuming.catch(() => {});
  const connection = new HttpConnection(lockd.url);
  const fromRequest: number[] = [];
  const fromAnswer: number[] = [];
  for (let at = 0; at < 500; at += 1) {
    arrived = Promise.withResolvers<number>();
    const asked = performance.now();
    await enqueue(connection, "wake");
    const answered = performance.now();
    const came = await arrived.promise;
    fromRequest.push(came - asked);
    fromAnswer.push(Math.max(0, came - answered));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  abort.abort();
  connection.close();
  await client.close();
  const shown = (times: number[]): string => {
    times.sort((a, b) => a - b);
    const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(2);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  };
  console.log(
    `wake-up of a waiting consumer: ${shown(fromAnswer)} from the enqueue's answer, ` +
      `${shown(fromRequest)} from its request (wanted: 2 and 20)`,
  );
}

async function longPayload(server: Measured): Promise<void> {
  const client = new HttpLockd({ endpoints: server.url });
  const piece = Buffer.alloc(256 * 1024, 7);
  let peak = 0;
  const before = server.rssMegabytes();
  const watching = setInterval(() => {
    peak = Math.max(peak, server.rssMegabytes());
  }, 20);
  const source = (async function* () {
    for (let bytes = 0; bytes < gigabyte; bytes += piece.length) yield piece;
  })();
  const from = performance.now();
  await client.queues.enqueue({ queue: "long" }, source);
  const stored = performance.now();
  const [delivery] = await client.queues.dequeue({ queue: "long", owner: "bench" });
  let bytes = 0;
  if (delivery !== undefined && !(delivery.payload instanceof Uint8Array)) {
    for await (const chunk of delivery.payload) bytes += chunk.length;
  }
  const read = performance.now();
  clearInterval(watching);
  await client.close();
  const rate = (ms: number): string => `${(1024 / (ms / 1_000)).toFixed(0)} MiB/s`;
  console.log(
    `1 GiB payload: ${rate(stored - from)} in, ${rate(read - stored)} out` +
      `${bytes === gigabyte ? "" : " (INCOMPLETE)"}; the server grew by at most ` +
      `${(peak - before).toFixed(0)} MiB (wanted: below 64)`,
  );
}

await cycles();
await deliveries();
await wakeUps();
await lockd.stop();
const fresh = await startLockd(`disk://${directory}/long`);
await longPayload(fresh);
await fresh.stop();
rmSync(directory, { recursive: true, force: true });
