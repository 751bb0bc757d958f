/** A 20 MB document in and out, against a bare server that copies the bytes to a synced file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { request } from "undici";
import { HttpLockd } from "../src/client/http-lockd.ts";
import { type Measured, startLockd, startProgram } from "./support/children.ts";

const support = path.join(import.meta.dirname, "support");
const rounds = 8;
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const copy = await startProgram(path.join(support, "copy-server.ts"), [directory]);
const server = await startLockd(`disk://${path.join(directory, "store")}`);
const row = { id: 1, name: "customer", tags: ["a", "bb"], note: "x".repeat(120), n: 1.25 };
const document = Buffer.from(
  JSON.stringify(
    Array.from({ length: 95_000 }, () => row),
    undefined,
    1,
  ),
);

async function timed(run: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

/** Highest resident memory while something runs, above what it was before. */
async function growth(of: Measured, run: () => Promise<unknown>): Promise<number> {
  const before = of.rssMegabytes();
  let highest = before;
  const looking = setInterval(() => {
    highest = Math.max(highest, of.rssMegabytes());
  }, 5);
  await run();
  clearInterval(looking);
  return highest - before;
}

const lockd = new HttpLockd({ endpoints: server.url, httpTimeoutMs: 60_000 });
const lease = await lockd.acquire({ key: "large", owner: "bench", ttlSeconds: 600 });

async function read(url: string): Promise<void> {
  const { body } = await request(url);
  for await (const _ of body);
}

async function readBack(): Promise<void> {
  const { body } = await lockd.get(lease);
  if (!(body instanceof Uint8Array)) for await (const _ of body);
}

try {
  const times = {
    put: [] as number[],
    get: [] as number[],
    update: [] as number[],
    read: [] as number[],
  };
  const work = async (): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const put = () =>
        request(copy.url, { method: "POST", body: document }).then((r) => r.body.text());
      times.put.push(await timed(put));
      times.get.push(await timed(() => read(copy.url)));
      times.update.push(await timed(() => lockd.update(lease, document)));
      times.read.push(await timed(readBack));
    }
  };
  await lockd.update(lease, Buffer.from("{}"));
  const grown = await growth(server, work);
  const speed = (ms: number): string => `${(document.length / 1000 / ms).toFixed(0)} MB/s`;
  const [put, get, update, back] = [times.put, times.get, times.update, times.read].map(median);
  console.log(
    `${(document.length / 1e6).toFixed(1)} MB: update ${speed(update ?? 1)}, ` +
      `${((put ?? 1) / (update ?? 1)).toFixed(2)} x raw copy (${speed(put ?? 1)}); ` +
      `read back ${speed(back ?? 1)}, ${((get ?? 1) / (back ?? 1)).toFixed(2)} x raw ` +
      `(${speed(get ?? 1)}); ` +
      `server memory growth ${grown.toFixed(0)} MiB`,
  );
} finally {
  await lockd.close();
  await Promise.all([copy.stop(), server.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
