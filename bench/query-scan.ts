/**
 * Queries by scanning: a whole scan against `JSON.parse` of the same documents, how long it
 * works at a stretch, and the memory of a server that streams a gigabyte of documents.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { HttpLockd } from "../src/client/http-lockd.ts";
import { Engine } from "../src/engine/engine.ts";
import type { Clock, ScheduledCall } from "../src/engine/ports/clock.ts";
import { silentTelemetry } from "../src/engine/ports/telemetry.ts";
import { visibleDocument } from "../src/engine/query/committed-view.ts";
import { SystemClock } from "../src/host/clock.ts";
import { systemRandom } from "../src/host/random.ts";
import { compileSelector } from "../src/lql/match/compile-selector.ts";
import { checkSelector } from "../src/lql/selector/check-selector.ts";
import { parseSelector } from "../src/lql/selector/parse-selector.ts";
import { openStore } from "../src/storage/open.ts";
import { startLockd } from "./support/children.ts";

const smallCount = 20_000;
const largeCount = 1_000;
const rounds = 5;
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));

const order = (n: number) => ({
  id: `order-${n}`,
  customer: { name: `customer ${n}`, email: `customer-${n}@example.org`, vip: n % 7 === 0 },
  lines: Array.from({ length: 6 }, (_, line) => ({ sku: `A${n + line}`, count: line, price: 9.5 })),
  note: "please leave the parcel with the neighbours until the evening. ".repeat(5),
  total: n * 1.25,
  created_at: "2025-03-01T10:00:00Z",
  status: n % 100 === 0 ? "open" : "shipped",
});

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

/** Processor time of this process, which a busy machine changes less than the time on the wall. */
async function cpuMs(run: () => Promise<unknown>): Promise<number> {
  const from = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

async function openEngine(
  gear: "exclusive" | "shared",
  clock: Clock = new SystemClock(),
): Promise<Engine> {
  return new Engine({
    store: await openStore(`disk://${path.join(directory, "small")}`, { gear }),
    clock,
    random: systemRandom(),
    telemetry: silentTelemetry,
    defaultNamespace: "default",
    jsonBytesMax: 100 * 1024 * 1024,
    defaultTtlSeconds: 600,
    maxTtlSeconds: 1800,
    acquireBlockSeconds: 60,
    queryEngineDefault: "scan",
  });
}

const documents = Array.from({ length: smallCount }, (_, n) =>
  Buffer.from(JSON.stringify(order(n))),
);
const bytes = documents.reduce((sum, document) => sum + document.length, 0);

async function fill(): Promise<void> {
  const engine = await openEngine("exclusive");
  const one = async (document: Buffer, n: number): Promise<void> => {
    const key = `k${String(n).padStart(6, "0")}`;
    const lease = await engine.acquire({ key, owner: "bench", blockSeconds: -1 });
    const { leaseId, txnId, fencingToken } = lease;
    await engine.update({ key, leaseId, txnId, fencingToken, release: "commit" }, document);
  };
  for (let n = 0; n < smallCount; n += 500) {
    await Promise.all(documents.slice(n, n + 500).map((document, at) => one(document, n + at)));
  }
  await engine.close();
}

/** The clock of the engine, which also notes how much a scan works between two rests. */
class NotingClock extends SystemClock {
  #since = process.cpuUsage();
  readonly slices: number[] = [];

  /** Forgets what was done before a scan. */
  restart(): void {
    this.#since = process.cpuUsage();
  }

  override schedule(delayMs: number, run: () => void): ScheduledCall {
    const { user, system } = process.cpuUsage(this.#since);
    if (delayMs === 0) this.slices.push((user + system) / 1000);
    return super.schedule(delayMs, () => {
      this.#since = process.cpuUsage();
      run();
    });
  }
}

/** What is left of a scan without its store: records in memory, looked at and matched. */
async function evaluation(matches: (document: Uint8Array) => boolean): Promise<() => void> {
  const url = `disk://${path.join(directory, "small")}`;
  const store = await openStore(url, { gear: "shared" });
  const records: Uint8Array[] = [];
  for (let after = "k/"; ; ) {
    const page = await store.scan("k/", { after, limit: 1000 });
    records.push(...page.objects.map((object) => object.bytes));
    after = page.objects.at(-1)?.name ?? "";
    if (!page.more) break;
  }
  await store.close();
  return () => {
    for (const record of records) {
      const found = visibleDocument("k/default/k", record);
      if (found?.kind !== "inline" || matches(found.bytes)) throw new Error("nothing may match");
    }
  };
}

async function scans(gear: "exclusive" | "shared", text: string): Promise<void> {
  const clock = new NotingClock();
  const engine = await openEngine(gear, clock);
  // Rests are timers that keep no process alive by themselves.
  const awake = setInterval(() => {}, 1_000);
  const selector = parseSelector(text);
  const matcher = compileSelector(checkSelector(selector), { nowMs: 0 });
  const evaluate = await evaluation((document) => matcher.matches(document));
  const times = { scan: [] as number[], evaluate: [] as number[], parse: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    clock.restart();
    times.scan.push(await cpuMs(() => engine.queries.keys({ selector })));
    times.evaluate.push(await cpuMs(async () => evaluate()));
    const parsing = async (): Promise<void> => {
      for (const document of documents) JSON.parse(document.toString());
    };
    times.parse.push(await cpuMs(parsing));
  }
  const [scan, evaluated, parse] = [times.scan, times.evaluate, times.parse].map(median);
  const slices = clock.slices.sort((a, b) => a - b);
  const each = (ms = 0): string => `${((ms * 1000) / smallCount).toFixed(1)} µs`;
  console.log(
    `${gear} ${text}: ${smallCount} x ${(bytes / smallCount).toFixed(0)} B, a document: ` +
      `JSON.parse ${each(parse)}, evaluation ${each(evaluated)} ` +
      `(ratio ${((parse ?? 0) / (evaluated ?? 1)).toFixed(2)}), whole scan ${each(scan)} ` +
      `(ratio ${((parse ?? 0) / (scan ?? 1)).toFixed(2)}); ${slices.length} slices, ` +
      `median ${median(slices).toFixed(1)} ms, at most ${(slices.at(-1) ?? 0).toFixed(1)} ms`,
  );
  clearInterval(awake);
  await engine.close();
}

/** Each document a megabyte, a thousand of them in one answer. */
async function gigabyte(): Promise<void> {
  const server = await startLockd(`disk://${path.join(directory, "large")}`);
  const lockd = new HttpLockd({ endpoints: server.url, httpTimeoutMs: 60_000 });
  try {
    const large = Buffer.from(JSON.stringify({ status: "open", text: "x".repeat(1_048_000) }));
    const query = { preferredEngine: "scan" };
    await lockd.queries.setNamespaceConfig({ query });
    for (let n = 0; n < largeCount; n += 1) {
      const lease = await lockd.acquire({ key: `k${n}`, owner: "bench", blockSeconds: -1 });
      await lockd.update({ ...lease, release: "commit" }, large);
    }
    const request = { selector: parseSelector("/status=open"), limit: largeCount };
    const before = server.rssMegabytes();
    let highest = before;
    const looking = setInterval(() => {
      highest = Math.max(highest, server.rssMegabytes());
    }, 5);
    let read = 0;
    const ownBefore = process.memoryUsage().rss;
    let ownHighest = ownBefore;
    const from = performance.now();
    for await (const { doc } of await lockd.queries.documents(request)) {
      if (doc instanceof Uint8Array) read += doc.length;
      else for await (const chunk of doc) read += chunk.length;
      ownHighest = Math.max(ownHighest, process.memoryUsage().rss);
    }
    const seconds = (performance.now() - from) / 1000;
    clearInterval(looking);
    const own = (ownHighest - ownBefore) / 2 ** 20;
    console.log(
      `documents: ${(read / 1e9).toFixed(2)} GB in ${seconds.toFixed(1)} s ` +
        `(${(read / 1e6 / seconds).toFixed(0)} MB/s, matched and sent), memory growth of the ` +
        `server ${(highest - before).toFixed(0)} MiB, of the client ${own.toFixed(0)} MiB`,
    );
  } finally {
    await lockd.close();
    await server.stop();
  }
}

try {
  await fill();
  for (const text of ["/status=nowhere", "/status=nowhere,/total>=1e9,exists{/deleted_at}"]) {
    await scans("exclusive", text);
    await scans("shared", text);
  }
  if (process.env.SMALL === undefined) await gigabyte();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
