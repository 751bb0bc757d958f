/**
 * An attachment in and out, against a bare server that copies the bytes to a synced file. Argument:
 * megabytes, 256 by default.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { request } from "undici";
import { HttpLockd } from "../src/client/http-lockd.ts";
import { type Measured, startLockd, startProgram } from "./support/children.ts";

const megabytes = Number(process.argv[2] ?? "256");
const size = megabytes * 1_000_000;
const rounds = megabytes > 500 ? 3 : 5;
const support = path.join(import.meta.dirname, "support");
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const copy = await startProgram(path.join(support, "copy-server.ts"), [directory]);
const server = await startLockd(`disk://${path.join(directory, "store")}`);
const chunk = Buffer.alloc(256 * 1024, "attachment ");

async function* source(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += chunk.length) yield chunk.subarray(0, size - at);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}

/** Milliseconds of processor time a server spent while something ran. */
async function cpuMs(of: Measured, run: () => Promise<unknown>): Promise<number> {
  const before = of.cpuMicros();
  await run();
  return (of.cpuMicros() - before) / 1000;
}

/** Highest resident memory of both while something runs, above what it was before, in words. */
async function growth(run: () => Promise<unknown>): Promise<string> {
  const servers = [server, copy];
  const before = servers.map((of) => of.rssMegabytes());
  const highest = [...before];
  const looking = setInterval(() => {
    for (const [at, of] of servers.entries()) {
      highest[at] = Math.max(highest[at] ?? 0, of.rssMegabytes());
    }
  }, 20);
  await run();
  clearInterval(looking);
  const [ours, raw] = highest.map((most, at) => (most - (before[at] ?? 0)).toFixed(0));
  return `${ours} MiB (raw copy: ${raw})`;
}

async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0;
  for await (const part of body) bytes += part.length;
  if (bytes !== size) throw new Error(`${bytes} of ${size} bytes came`);
}

const lockd = new HttpLockd({ endpoints: server.url, httpTimeoutMs: 60_000 });
const lease = await lockd.acquire({ key: "large", owner: "bench", ttlSeconds: 1_800 });

async function copyIn(): Promise<void> {
  const headers = { "content-length": String(size) };
  const { body } = await request(copy.url, {
    method: "POST",
    headers,
    body: Readable.from(source(), { objectMode: false, highWaterMark: chunk.length }),
  });
  await body.text();
}

async function copyOut(): Promise<void> {
  await drain((await request(copy.url)).body);
}

async function put(): Promise<void> {
  const body = { replayable: true as const, size, [Symbol.asyncIterator]: source };
  await lockd.attachments.attach({ ...lease, name: "large.bin" }, body);
}

async function get(): Promise<void> {
  const { body } = await lockd.attachments.retrieve({ ...lease, name: "large.bin" });
  if (!(body instanceof Uint8Array)) await drain(body);
}

try {
  await lockd.attachments.attach({ ...lease, name: "warm.bin" }, chunk);
  const times = { copyIn: [], copyOut: [], put: [], get: [] } as Record<string, number[]>;
  const cpu = { copyIn: [], copyOut: [], put: [], get: [] } as Record<string, number[]>;
  const measure = async (name: string, of: Measured, run: () => Promise<void>): Promise<void> => {
    cpu[name]?.push(await cpuMs(of, async () => times[name]?.push(await timed(run))));
  };
  type Transfer = () => Promise<void>;
  const inTurn = async (raw: Transfer, ours: Transfer, kind: string): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      await measure(`copy${kind}`, copy, raw);
      await measure(kind === "In" ? "put" : "get", server, ours);
    }
  };
  const grownPut = await growth(() => inTurn(copyIn, put, "In"));
  const grownGet = await growth(() => inTurn(copyOut, get, "Out"));
  const of = (name: string): number => median(times[name] ?? []);
  const speed = (name: string): string => `${(size / 1000 / of(name)).toFixed(0)} MB/s`;
  const ratio = (raw: string, ours: string): string => (of(raw) / of(ours)).toFixed(2);
  const cpuOf = (name: string): string => `${name} ${median(cpu[name] ?? []).toFixed(0)} ms`;
  console.log(
    `${megabytes} MB, ${rounds} rounds: put ${speed("put")}, ${ratio("copyIn", "put")} x raw ` +
      `copy (${speed("copyIn")}); get ${speed("get")}, ${ratio("copyOut", "get")} x raw ` +
      `(${speed("copyOut")}); server memory growth ${grownPut} while putting, ` +
      `${grownGet} more while getting; ` +
      `server cpu: ${Object.keys(cpu).map(cpuOf).join(", ")}`,
  );
} finally {
  await lockd.close();
  await Promise.all([copy.stop(), server.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
