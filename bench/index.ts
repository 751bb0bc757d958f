/**
 * The query index on disk:// beside SQLite's own index on an expression over the same documents,
 * and beside a scan, both through an engine: `node bench/index.ts [documents]`. Last, what indexing
 * costs writers.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { Engine } from "../src/engine/engine.ts";
import { silentTelemetry } from "../src/engine/ports/telemetry.ts";
import { absentRecord, recordName } from "../src/engine/record/key-record.ts";
import { encodeRecord } from "../src/engine/record/record-codec.ts";
import { SystemClock } from "../src/host/clock.ts";
import { systemRandom } from "../src/host/random.ts";
import { indexFile, indexNumbers } from "../src/indexing/index-files.ts";
import { openIndex } from "../src/indexing/open-index.ts";
import { openStore } from "../src/storage/open.ts";
import { startProgram } from "./support/children.ts";
import { type Cycle, commit } from "./support/cycles.ts";
import { load } from "./support/load.ts";

const documents = Number(process.argv[2] ?? 100_000);
/** Hits of the equality query, whatever the number of documents. */
const hits = 20;
const planSteps = 200;
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-index-"));
const words = "timeout refused connection server lease order invoice parcel north south".split(" ");

/** About 1 KB; every value follows from the number. */
function documentOf(n: number): string {
  const mixed = (n * 2_654_435_761) % 4_294_967_296;
  const text = (from: number, count: number): string =>
    Array.from(
      { length: count },
      (_, at) => words[(mixed >> ((at + from) % 28)) % words.length] ?? "",
    )
      .map((word, at) => `${word}${(mixed + at * 7_919) % 997}`)
      .join(" ");
  return JSON.stringify({
    id: `doc-${n}`,
    group: `group-${Math.floor(n / hits)}`,
    status: ["open", "held", "done", "failed"][n % 4],
    region: `region-${mixed % 100}/zone-${n % 7}`,
    score: mixed % 100_000,
    at: new Date(1_700_000_000_000 + (mixed % 1e9)).toISOString(),
    note: `${mixed % 100 === 0 ? "needle-in-hay " : ""}${text(1, 24)}`,
    owner: { name: `owner ${mixed % 5_000}`, mail: `o${mixed % 5_000}@example.org`, level: n % 9 },
    tags: [`t${n % 50}`, `u${mixed % 300}`],
    history: [
      { step: 1, by: `owner ${(mixed + 1) % 5_000}`, text: text(5, 14) },
      { step: 2, by: `owner ${(mixed + 2) % 5_000}`, text: text(9, 14) },
    ],
    done: n % 2 === 0,
    extra: null,
  });
}

// The engine's own timers keep no process alive.
const awake = setInterval(() => {}, 1_000);
const clock = new SystemClock();
const random = systemRandom();
const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
const index = openIndex({
  store,
  storeUrl: `disk://${directory}`,
  clock,
  random,
  telemetry: silentTelemetry,
  publishes: false,
});
const engine = new Engine({
  store,
  clock,
  random,
  index,
  telemetry: silentTelemetry,
  defaultNamespace: "default",
  jsonBytesMax: 100 * 1024 * 1024,
  defaultTtlSeconds: 30,
  maxTtlSeconds: 1800,
  acquireBlockSeconds: 60,
});
await engine.queries.setNamespaceConfig({ query: { fallbackEngine: "scan" } });

function putOf(n: number, version: number, document: string) {
  const bytes = Buffer.from(document);
  const state = {
    etag: `${n}-${version}`.padStart(64, "0"),
    size: bytes.length,
    place: { kind: "inline" as const, bytes },
  };
  const record = { ...absentRecord, version, fencingToken: version, updatedAtUnix: 1, state };
  const name = recordName("default", `key-${n.toString().padStart(8, "0")}`);
  return {
    kind: "put" as const,
    name,
    bytes: encodeRecord(record, `w${n}-${version}`),
    when: { kind: "any" as const },
  };
}

function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Median microseconds of a call. */
async function microseconds(run: () => Promise<number>, times: number): Promise<number> {
  const taken: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const from = performance.now();
    await run();
    taken.push((performance.now() - from) * 1000);
  }
  return taken.sort((one, other) => one - other)[Math.floor(times / 2)] ?? 0;
}

/** All hits of a query through the engine, page by page. */
async function hitsOf(selector: unknown, chosen: "index" | "scan"): Promise<number> {
  let found = 0;
  let cursor: string | undefined;
  do {
    const page = await engine.queries.keys({ selector, engine: chosen, limit: 1_000, cursor });
    found += page.keys.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

const row = (...cells: (string | number)[]): void => console.log(`| ${cells.join(" | ")} |`);
const rounded = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 1 });

const raw = new Database(path.join(directory, "yardstick.db"));
raw.pragma("journal_mode = WAL");
raw.exec("CREATE TABLE raw(name TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID");
raw.exec("CREATE INDEX by_group ON raw(json_extract(doc, '$.group'))");
const insertRaw = raw.prepare("INSERT INTO raw VALUES(?, ?)");
let bytes = 0;
for (let from = 0; from < documents; from += planSteps) {
  const numbers = Array.from(
    { length: Math.min(planSteps, documents - from) },
    (_, at) => from + at,
  );
  const texts = numbers.map(documentOf);
  bytes += texts.reduce((sum, text) => sum + text.length, 0);
  await store.apply(numbers.map((n, at) => putOf(n, 1, texts[at] ?? "")));
  raw.transaction(() => {
    for (const [at, n] of numbers.entries()) insertRaw.run(`key-${n}`, texts[at]);
  })();
}
console.log(`${documents} documents, ${Math.round(bytes / documents)} bytes each`);

const buildCpu = process.cpuUsage();
const buildFrom = performance.now();
await index.flush("default");
const buildMs = performance.now() - buildFrom;
const newest = indexNumbers(directory)[0] ?? 0;
const size = statSync(indexFile(directory, newest)).size;
console.log(
  `made: ${rounded((cpuMsSince(buildCpu) * 1000) / documents)} µs CPU a document, ` +
    `${rounded(documents / (buildMs / 1000))} documents/s, ${rounded(size / documents)} bytes each`,
);

const queries: readonly (readonly [string, unknown])[] = [
  [
    "equality, 20 hits",
    { eq: { field: "/group", value: `group-${Math.floor(documents / hits / 2)}` } },
  ],
  ["range, 1 %", { range: { field: "/score", gte: 50_000, lt: 51_000 } }],
  ["prefix, 1 %", { prefix: { field: "/region", value: "region-42/" } }],
  ["contains, 1 %", { icontains: { field: "/note", value: "NEEDLE-IN" } }],
];
row("query", "hits", "index µs", "scan µs", "scan / index");
row("---", "--:", "--:", "--:", "--:");
let equalityUs = 0;
for (const [name, json] of queries) {
  const [byIndex, byScan] = [await hitsOf(json, "index"), await hitsOf(json, "scan")];
  if (byIndex !== byScan) throw new Error(`${name}: ${byIndex} by index, ${byScan} by scan`);
  const indexUs = await microseconds(() => hitsOf(json, "index"), byIndex > hits ? 100 : 2_000);
  const scanUs = await microseconds(() => hitsOf(json, "scan"), 3);
  if (name.startsWith("equality")) equalityUs = indexUs;
  row(name, byIndex, rounded(indexUs), rounded(scanUs), rounded(scanUs / indexUs));
}

const lookup = raw.prepare("SELECT name, doc FROM raw WHERE json_extract(doc, '$.group') = ?");
const group = `group-${Math.floor(documents / hits / 2)}`;
const sqliteUs = await microseconds(async () => lookup.all(group).length, 2_000);
const ratio = rounded(equalityUs / sqliteUs);
console.log(`SQLite's expression index: ${rounded(sqliteUs)} µs; ours / SQLite's: ${ratio}`);

await engine.close();
raw.close();
rmSync(directory, { recursive: true });

/** Acquire, update, release of documents like the above, on many keys or few. */
function writing(keys: number): Cycle {
  const counts = new Map<number, number>();
  return async (connection, lane, round) => {
    const n = (lane * 7_919 + round * lanes) % keys;
    const count = (counts.get(n) ?? 0) + 1;
    counts.set(n, count);
    const document = documentOf(n).replace('"score":', `"count":${count},"score":`);
    await commit(connection, `bench/${lane}/${n}`, document);
  };
}

const lanes = 16;
row("writers", "cycles/s without", "with", "CPU µs a cycle without", "with", "overhead");
row("---", "--:", "--:", "--:", "--:", "--:");
for (const [name, keys] of [
  ["the same 16 keys", 1],
  ["keys all over", 100_000],
] as const) {
  const figures: { rate: number; cpu: number }[] = [];
  for (const index of ["no-index", "index"]) {
    const place = mkdtempSync(path.join(tmpdir(), "lockd-bench-index-"));
    const file = path.join(import.meta.dirname, "support/lockd-server.ts");
    const server = await startProgram(file, [`disk://${place}`, index]);
    const result = await load(server, { connections: lanes, seconds: 12, cycle: writing(keys) });
    figures.push({ rate: result.cyclesPerSecond, cpu: result.cpuMicros });
    await server.stop();
    rmSync(place, { recursive: true });
  }
  const [without, withIndex] = figures;
  if (without === undefined || withIndex === undefined) throw new Error("not measured");
  const overhead = `${rounded((withIndex.cpu / without.cpu - 1) * 100)} %`;
  const rates = [rounded(without.rate), rounded(withIndex.rate)];
  row(name, ...rates, rounded(without.cpu), rounded(withIndex.cpu), overhead);
}
clearInterval(awake);
