/**
 * The query index on disk:// beside SQLite's own index on an expression over the same documents,
 * and beside a scan, both through an engine: `node bench/index.ts [documents]`. What indexing costs
 * writers is measured by index-writers.ts.
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
import { documentOf, hits } from "./support/documents.ts";

const documents = Number(process.argv[2] ?? 100_000);
const planSteps = 200;
const lookupRounds = 40;
const lookupsARound = 100;
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-index-"));
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

function keyOf(n: number): string {
  return `key-${n.toString().padStart(8, "0")}`;
}

function putOf(n: number, version: number, document: string) {
  const bytes = Buffer.from(document);
  const state = {
    etag: `${n}-${version}`.padStart(64, "0"),
    size: bytes.length,
    place: { kind: "inline" as const, bytes },
  };
  const record = { ...absentRecord, version, fencingToken: version, updatedAtUnix: 1, state };
  const name = recordName("default", keyOf(n));
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
// What an application would set up itself. It verifies nothing: no checksum, no change since.
raw.exec("CREATE TABLE docs(key TEXT PRIMARY KEY, version INTEGER NOT NULL, doc TEXT NOT NULL)");
raw.exec("CREATE INDEX by_group ON docs(json_extract(doc, '$.group'))");
const insertRaw = raw.prepare("INSERT INTO docs VALUES(?, 1, ?)");
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
    for (const [at, n] of numbers.entries()) insertRaw.run(keyOf(n), texts[at]);
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
for (const [name, json] of queries) {
  const [byIndex, byScan] = [await hitsOf(json, "index"), await hitsOf(json, "scan")];
  if (byIndex !== byScan) throw new Error(`${name}: ${byIndex} by index, ${byScan} by scan`);
  const indexUs = await microseconds(() => hitsOf(json, "index"), byIndex > hits ? 100 : 2_000);
  const scanUs = await microseconds(() => hitsOf(json, "scan"), 3);
  row(name, byIndex, rounded(indexUs), rounded(scanUs), rounded(scanUs / indexUs));
}

/** Another group each time: one that was just read is cheaper for everybody. */
let asked = 0;
function nextGroup(): string {
  asked += 1;
  return `group-${(asked * 7_919) % Math.max(1, Math.floor(documents / hits))}`;
}

const lookup = raw.prepare(
  "SELECT key, version, doc FROM docs WHERE json_extract(doc, '$.group') = ? " +
    "ORDER BY key LIMIT 100",
);
const ways: Readonly<Record<string, (group: string) => Promise<number>>> = {
  "SQLite's expression index, key, version, document": async (group) => lookup.all(group).length,
  "lockd, keys": (value) => hitsOf({ eq: { field: "/group", value } }, "index"),
  "lockd, key, version, document": async (value) => {
    const selector = { eq: { field: "/group", value } };
    let rows = 0;
    for await (const found of await engine.queries.documents({ selector, engine: "index" })) {
      if (found.doc instanceof Uint8Array) rows += 1;
    }
    return rows;
  },
};

/** CPU of a lookup in turn with the others, so that all of them have the same machine. */
const taken = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
for (let round = -5; round < lookupRounds; round += 1) {
  for (const [name, run] of Object.entries(ways)) {
    const from = process.cpuUsage();
    for (let at = 0; at < lookupsARound; at += 1) {
      if ((await run(nextGroup())) !== hits) throw new Error(`${name}: not ${hits} hits`);
    }
    if (round >= 0) taken.get(name)?.push((cpuMsSince(from) * 1000) / lookupsARound);
  }
}
const middle = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
row("equality, another group each time", "CPU µs", "ratio of each round, median");
row("---", "--:", "--:");
const [yardstick = []] = taken.values();
for (const [name, values] of taken) {
  const ratios = values.map((value, at) => value / (yardstick[at] ?? 1));
  row(name, rounded(middle(values)), middle(ratios).toFixed(2));
}

await engine.close();
raw.close();
rmSync(directory, { recursive: true });

clearInterval(awake);
