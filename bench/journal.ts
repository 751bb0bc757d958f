/**
 * The exclusive gear alone, without HTTP and engine: writers that compare and swap records of 300 B
 * on a durable disk, beside what the same disk and SQLite give in the same run; and reads beside
 * writers. Every write changes its bytes: SQLite skips what stays the same.
 */
import { closeSync, constants, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { Precondition, Store } from "../src/engine/ports/store.ts";
import { segmentBytesDefault } from "../src/storage/disk/journal/segment-file.ts";
import { SqliteRows } from "../src/storage/disk/sqlite-rows.ts";
import { openStore } from "../src/storage/open.ts";

const recordBytes = 300;
const seconds = Number(process.argv[2] ?? 2);
const place = mkdtempSync(path.join(tmpdir(), "lockd-bench-"));
const record = Buffer.alloc(recordBytes, "r");
const any = { kind: "any" } as const;

interface Rate {
  readonly perSecond: number;
  /** CPU of this thread for one record, in microseconds. */
  readonly threadMicros: number;
  /** CPU of all threads: syncs and the mover included. */
  readonly processMicros: number;
}

function changed(n: number): Buffer {
  const bytes = Buffer.from(record);
  bytes.writeUIntLE(n, 0, 6);
  return bytes;
}

function threadMicrosNow(): number {
  // In Node 24 and not yet in the types this project pins.
  const { threadCpuUsage } = process as { threadCpuUsage?: () => NodeJS.CpuUsage };
  const usage = threadCpuUsage?.call(process);
  return usage === undefined ? Number.NaN : usage.user + usage.system;
}

function processMicrosNow(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Lanes that run side by side until the time is over; `run` answers how many records it wrote. */
async function rateOf(lanes: number, run: (lane: number) => number | Promise<number>) {
  const measure = async (forSeconds: number): Promise<Rate> => {
    const [from, thread, all] = [performance.now(), threadMicrosNow(), processMicrosNow()];
    const until = from + forSeconds * 1000;
    let records = 0;
    const lane = async (n: number): Promise<void> => {
      while (performance.now() < until) {
        // Not `records += await ...`: that would read the sum before the other lanes add to it.
        const wrote = await run(n);
        records += wrote;
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, n) => lane(n)));
    return {
      perSecond: (records * 1000) / (performance.now() - from),
      threadMicros: (threadMicrosNow() - thread) / records,
      processMicros: (processMicrosNow() - all) / records,
    };
  };
  await measure(seconds / 4);
  return measure(seconds);
}

function show(what: string, rate: Rate): void {
  const columns = [
    what.padEnd(46),
    `${rate.perSecond.toFixed(0).padStart(8)} records/s`,
    `${rate.threadMicros.toFixed(1).padStart(7)} us main thread`,
    `${rate.processMicros.toFixed(1).padStart(7)} us process`,
  ];
  console.log(columns.join("  "));
}

/** One write and sync of `batch` records after the other into a file filled before. */
async function disk(batch: number, where: "O_DSYNC" | "write + fdatasync"): Promise<Rate> {
  const file = path.join(place, "raw");
  const filling = openSync(file, "w");
  writeSync(filling, Buffer.alloc(segmentBytesDefault));
  fsyncSync(filling);
  closeSync(filling);
  const dsync = where === "O_DSYNC" ? constants.O_DSYNC : 0;
  const handle = await open(file, constants.O_RDWR | dsync);
  const bytes = Buffer.alloc(batch * recordBytes);
  let at = 0;
  let n = 0;
  const rate = await rateOf(1, async () => {
    n += 1;
    bytes.writeUIntLE(n, 0, 6);
    if (at + bytes.length > segmentBytesDefault) at = 0;
    if (dsync === 0) {
      writeSync(handle.fd, bytes, 0, bytes.length, at);
      await handle.datasync();
    } else await handle.write(bytes, 0, bytes.length, at);
    at += bytes.length;
    return batch;
  });
  await handle.close();
  return rate;
}

async function sqlite(batch: number): Promise<Rate> {
  const rows = SqliteRows.open({ path: path.join(place, `sqlite-${batch}.db`) });
  let n = 0;
  const rate = await rateOf(1, () => {
    const plans = Array.from({ length: batch }, (_, lane) => {
      n += 1;
      return [{ kind: "put", name: `k/${lane}`, bytes: changed(n), when: any } as const];
    });
    rows.applyPlans(plans, () => undefined);
    return batch;
  });
  rows.close();
  return rate;
}

/** Each writer swaps its own record, waiting for every answer. */
async function writers(store: Store, count: number): Promise<Rate> {
  const tags = new Map<number, Precondition>();
  let n = 0;
  return rateOf(count, async (lane) => {
    n += 1;
    const name = `writers/${lane}`;
    const when = tags.get(lane) ?? any;
    const result = await store.apply([{ kind: "put", name, bytes: changed(n), when }]);
    const tag = result.kind === "applied" ? result.tags[0] : undefined;
    if (tag === undefined) throw new Error(`not applied: ${result.kind}`);
    tags.set(lane, { kind: "tag", tag });
    return 1;
  });
}

const readNames = 10_000;

/** Microseconds from a turn of the loop that brings a read to its answer: median and p99. */
async function reads(store: Store, isOver: () => boolean): Promise<readonly [number, number]> {
  const times: number[] = [];
  for (let n = 1; !isOver(); n += 1) {
    const from = performance.now();
    await turn();
    await store.get(`r/${(n * 7919) % readNames}`);
    times.push((performance.now() - from) * 1000);
  }
  times.sort((a, b) => a - b);
  return [times[times.length >> 1] ?? 0, times[Math.floor(times.length * 0.99)] ?? 0];
}

async function readsBesideWriters(store: Store, gear: string): Promise<void> {
  const fill = Array.from({ length: readNames }, (_, n) =>
    store.apply([{ kind: "put", name: `r/${n}`, bytes: changed(n), when: any }]),
  );
  await Promise.all(fill);
  const until = performance.now() + seconds * 1000;
  const [aloneP50, aloneP99] = await reads(store, () => performance.now() >= until);
  let over = false;
  const load = writers(store, 32).then((rate) => {
    over = true;
    return rate;
  });
  const [besideP50, besideP99] = await reads(store, () => over);
  const { perSecond } = await load;
  console.log(
    `${gear}: get p50 ${aloneP50.toFixed(1)} us, p99 ${aloneP99.toFixed(1)}; beside 32 writers ` +
      `(${perSecond.toFixed(0)} records/s) p50 ${besideP50.toFixed(1)} us, ` +
      `p99 ${besideP99.toFixed(1)}; p50 ratio ${(besideP50 / aloneP50).toFixed(2)}`,
  );
}

async function withStore(
  gear: "shared" | "exclusive",
  run: (store: Store) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(path.join(place, gear));
  const store = await openStore(`disk://${directory}`, { gear });
  await run(store);
  await store.close();
}

try {
  for (const count of [1, 8, 64]) {
    show(`disk, ${count} together, O_DSYNC write`, await disk(count, "O_DSYNC"));
    show(`disk, ${count} together, write + fdatasync`, await disk(count, "write + fdatasync"));
    show(`SQLite, ${count} in a transaction, main thread`, await sqlite(count));
    for (const gear of ["shared", "exclusive"] as const) {
      await withStore(gear, async (store) => {
        show(`${gear} gear, ${count} writers`, await writers(store, count));
      });
    }
  }
  for (const gear of ["exclusive", "shared"] as const) {
    await withStore(gear, (store) => readsBesideWriters(store, gear));
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
