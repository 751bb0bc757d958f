/**
 * `/count++` in a 20 MB document, against a bare server that copies the document to a synced file.
 * A wildcard over every row is shown as well.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { request } from "undici";
import { HttpLockd } from "../src/client/http-lockd.ts";
import { type Measured, startLockd, startProgram } from "./support/children.ts";

const support = path.join(import.meta.dirname, "support");
const rounds = 12;
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const copy = await startProgram(path.join(support, "copy-server.ts"), [directory]);
const server = await startLockd(`disk://${path.join(directory, "store")}`);
const row = { id: 1, name: "customer", tags: ["a", "bb"], note: "x".repeat(120), n: 1.25 };
const rows = Array.from({ length: 109_000 }, () => row);
const document = Buffer.from(JSON.stringify({ rows, count: 0 }));

async function timed(run: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 1;
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
const put = () => request(copy.url, { method: "POST", body: document }).then((r) => r.body.text());
const mutate = (expression: string) => lockd.mutate({ ...lease, mutations: [expression] });

try {
  const times = { put: [] as number[], step: [] as number[], wild: [] as number[] };
  await lockd.update(lease, document);
  await mutate("/count++");
  const grown = await growth(server, async () => {
    for (let round = 0; round < rounds; round += 1) {
      times.put.push(await timed(put));
      times.step.push(await timed(() => mutate("/count++")));
    }
  });
  for (let round = 0; round < rounds / 2; round += 1) {
    times.wild.push(await timed(() => mutate("/rows[]/n=2")));
  }
  const [raw, step, wild] = [median(times.put), median(times.step), median(times.wild)];
  const speed = (ms: number): string => `${(document.length / 1000 / ms).toFixed(0)} MB/s`;
  console.log(
    `${(document.length / 1e6).toFixed(1)} MB: /count++ ${speed(step)}, ` +
      `${(raw / step).toFixed(2)} x raw copy (${speed(raw)}); ` +
      `/rows[]/n=2 ${speed(wild)}, ${(raw / wild).toFixed(2)} x raw copy; ` +
      `server memory growth ${grown.toFixed(0)} MiB`,
  );
} finally {
  await lockd.close();
  await Promise.all([copy.stop(), server.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
