/**
 * What the query index costs writers: `node bench/index-writers.ts [pairs]`. Servers with and
 * without it in turn, each a fresh process on the same directory, and CPU of all its threads for
 * the same number of cycles of acquire, update, release on keys that exist. What the index has
 * still to take in at the end counts too. Each update changes one number in a document of 1 KB.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Measured, startProgram } from "./support/children.ts";
import { commit } from "./support/cycles.ts";
import { documentOf } from "./support/documents.ts";
import { HttpConnection } from "./support/http-connection.ts";

const pairs = Number(process.argv[2] ?? 7);
const lanes = 16;
const cyclesALane = 500;
const warmUpsALane = 60;
const program = path.join(import.meta.dirname, "support/lockd-server.ts");

let count = 0;
async function write(connection: HttpConnection, key: number): Promise<void> {
  count += 1;
  const document = documentOf(key).replace('"score":', `"count":${count},"score":`);
  await commit(connection, `bench/${key}`, document);
}

/** Each lane has keys of its own; they take turns. */
async function writeAll(url: string, perLane: number, keys: number): Promise<void> {
  const writing = Array.from({ length: lanes }, async (_, lane) => {
    const connection = new HttpConnection(url);
    for (let round = 0; round < perLane; round += 1) {
      await write(connection, lane + lanes * ((round * 7_919) % (keys / lanes)));
    }
    connection.close();
  });
  await Promise.all(writing);
}

async function flush({ url }: Measured): Promise<void> {
  const connection = new HttpConnection(url);
  const { head } = await connection.post("/v1/index/flush?mode=wait", "");
  connection.close();
  if (!head.startsWith("HTTP/1.1 200")) throw new Error(head);
}

async function cpuOfCycle(place: string, kind: "index" | "no-index", keys: number) {
  const server = await startProgram(program, [`disk://${place}`, kind]);
  const settle = async (): Promise<void> => {
    if (kind === "index") await flush(server);
  };
  await writeAll(server.url, warmUpsALane, keys);
  await settle();
  const before = server.cpuMicros();
  await writeAll(server.url, cyclesALane, keys);
  await settle();
  const cpu = server.cpuMicros() - before;
  await server.stop();
  return cpu / (lanes * cyclesALane);
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

console.log("| existing keys | CPU µs a cycle without | with | overhead of each pair | median |");
console.log("| --- | --: | --: | --- | --: |");
for (const keys of [512, 8_000]) {
  const place = mkdtempSync(path.join(tmpdir(), "lockd-bench-index-"));
  try {
    const maker = await startProgram(program, [`disk://${place}`, "index"]);
    await writeAll(maker.url, keys / lanes, keys);
    await maker.stop();
    const without: number[] = [];
    const withIndex: number[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      const kinds =
        pair % 2 === 0 ? (["no-index", "index"] as const) : (["index", "no-index"] as const);
      for (const kind of kinds) {
        (kind === "index" ? withIndex : without).push(await cpuOfCycle(place, kind, keys));
      }
    }
    const overheads = withIndex.map((value, at) => (value / (without[at] ?? 1) - 1) * 100);
    const cells = [
      keys,
      Math.round(median(without)),
      Math.round(median(withIndex)),
      overheads.map((value) => Math.round(value)).join(", "),
      `${Math.round(median(overheads))} %`,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  } finally {
    rmSync(place, { recursive: true });
  }
}
