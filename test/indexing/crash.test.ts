/** Whatever happens to a process or to the files of an index: after a publication all is found. */
import { fork } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Gear } from "../../src/storage/open.ts";
import { IndexedStore } from "../engine/query/index/indexed-store.ts";
import { expectIndexEqualsScan } from "./index-truth.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-index-crash-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const program = path.join(import.meta.dirname, "index-process.ts");

/** Starts a writer; resolves when it has reported `reports` rounds. */
async function startWriter(gear: Gear, name: string, reports: number) {
  const child = fork(program, [directory, gear, name], { execArgv: ["--no-warnings"] });
  await new Promise<void>((resolve, reject) => {
    let seen = 0;
    child.on("message", () => {
      seen += 1;
      if (seen === reports) resolve();
    });
    child.once("exit", () => reject(new Error("the writer ended by itself")));
  });
  return child;
}

async function reopened(gear: Gear): Promise<IndexedStore> {
  return IndexedStore.onDisk(gear, directory);
}

/** Closes without deleting the directory. */
async function closed(indexed: IndexedStore): Promise<void> {
  await indexed.index.close();
  await indexed.store.close();
}

/** A store with forty documents, published and closed. */
async function prepared(): Promise<void> {
  const indexed = await reopened("shared");
  for (let n = 0; n < 40; n += 1) {
    const document = { round: n, at: n % 7, owner: "a", text: `text of round ${n}` };
    await indexed.put(`default:key-${n}`, JSON.stringify(document));
  }
  await indexed.index.flush("default");
  await closed(indexed);
}

function indexFiles(): string[] {
  const place = path.join(directory, "index");
  return readdirSync(place)
    .filter((name) => name.endsWith(".db"))
    .map((name) => path.join(place, name));
}

describe("a process killed while it commits and publishes", () => {
  for (const gear of ["exclusive", "shared"] as const) {
    test(`${gear} gear`, async () => {
      for (const reports of [1, 2, 5, 12, 31]) {
        const child = await startWriter(gear, "a", reports);
        child.kill("SIGKILL");
        await once(child, "exit");
        const indexed = await reopened(gear);
        await indexed.index.flush("default");
        expect(await expectIndexEqualsScan(indexed)).toBeGreaterThan(0);
        await closed(indexed);
      }
      // Five processes start, write and die: on a busy machine that takes its time.
    }, 60_000);
  }

  test("what was committed and not published is found after the next publication", async () => {
    await prepared();
    const before = await reopened("exclusive");
    await before.put("default:late", '{"round":1000}');
    // Not closed: the process is gone, the journal stays.
    cpSync(directory, `${directory}-copy`, { recursive: true });
    await closed(before);
    const own = directory;
    directory = `${own}-copy`;
    try {
      const after = await reopened("exclusive");
      await after.index.flush("default");
      expect(await expectIndexEqualsScan(after)).toBe(41);
      await closed(after);
    } finally {
      rmSync(directory, { recursive: true });
      directory = own;
    }
  });
});

describe("an index file that is", () => {
  const damages: Readonly<Record<string, (file: string) => void>> = {
    "cut off in the middle": (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
    "cut to nothing": (file) => truncateSync(file, 0),
    "no database": (file) => writeFileSync(file, "this is no database".repeat(1_000)),
    "overwritten in the middle": (file) => {
      const descriptor = openSync(file, "r+");
      const { size } = statSync(file);
      for (let at = 4_096; at < size; at += 8_192) {
        writeSync(descriptor, Buffer.alloc(4_096, 0x5a), 0, 4_096, at);
      }
      closeSync(descriptor);
    },
    gone: (file) => rmSync(file),
  };
  for (const [name, damage] of Object.entries(damages)) {
    test(`${name}: queries stay right, and it is made anew`, async () => {
      await prepared();
      for (const file of indexFiles()) damage(file);
      const indexed = await reopened("shared");
      await expectNothingMissed(indexed);
      await indexed.put("default:one-more", '{"round":7,"at":3,"owner":"a"}');
      await indexed.index.flush("default");
      await expectNothingMissed(indexed);
      // A query may have been the first to see the damage.
      await indexed.index.flush("default");
      expect(await expectIndexEqualsScan(indexed)).toBe(41);
      await closed(indexed);
    });
  }

  test("deleted under a process that uses it", async () => {
    await prepared();
    const indexed = await reopened("shared");
    await indexed.index.flush("default");
    expect(await expectIndexEqualsScan(indexed)).toBe(40);
    rmSync(path.join(directory, "index"), { recursive: true });
    await expectNothingMissed(indexed);
    await indexed.put("default:one-more", '{"round":7,"at":3,"owner":"a"}');
    await indexed.index.flush("default");
    expect(await expectIndexEqualsScan(indexed)).toBe(41);
    expect(indexFiles()).toHaveLength(1);
    await closed(indexed);
  });
});

/** Nothing that a scan finds is missed; the index need not narrow. */
async function expectNothingMissed(indexed: IndexedStore): Promise<void> {
  const { checkSelector } = await import("../../src/lql/selector/check-selector.ts");
  const selector = checkSelector({ eq: { field: "/at", value: 3 } });
  const found = await indexed.candidates("default", selector);
  const expected = Array.from({ length: 40 }, (_, n) => n).filter((n) => n % 7 === 3);
  expect(found).toEqual(expect.arrayContaining(expected.map((n) => `key-${n}`)));
}

describe("an index that is of another store", () => {
  test("the directory was copied and the copy went its own way", async () => {
    await prepared();
    const copy = `${directory}-copy`;
    cpSync(directory, copy, { recursive: true });
    // The original goes on, the copy's store is set back to the time of the copy.
    const original = await reopened("shared");
    for (let n = 0; n < 20; n += 1) await original.put(`default:new-${n}`, '{"round":5}');
    await original.index.flush("default");
    await closed(original);
    cpSync(path.join(directory, "index"), path.join(copy, "index"), { recursive: true });
    const own = directory;
    directory = copy;
    try {
      const indexed = await reopened("shared");
      await indexed.put("default:own", '{"round":3,"at":3,"owner":"a"}');
      await indexed.index.flush("default");
      expect(await expectIndexEqualsScan(indexed)).toBe(41);
      await closed(indexed);
    } finally {
      rmSync(copy, { recursive: true });
      directory = own;
    }
  });

  test("the store's file was set back under its index", async () => {
    await prepared();
    const saved = path.join(directory, "saved.db");
    cpSync(path.join(directory, "lockd.db"), saved);
    const indexed = await reopened("shared");
    for (let n = 0; n < 20; n += 1) await indexed.put(`default:new-${n}`, '{"round":5}');
    await indexed.index.flush("default");
    await closed(indexed);
    // The same file with its former content.
    writeFileSync(path.join(directory, "lockd.db"), (await import("node:fs")).readFileSync(saved));
    for (const side of ["-wal", "-shm"])
      rmSync(path.join(directory, `lockd.db${side}`), { force: true });
    const back = await reopened("shared");
    await back.put("default:own", '{"round":3,"at":3,"owner":"a"}');
    await back.index.flush("default");
    expect(await expectIndexEqualsScan(back)).toBe(41);
    expect(existsSync(path.join(directory, "index"))).toBe(true);
    await closed(back);
  });
});

describe("several processes on one store", () => {
  test("each publishes what all of them commit", async () => {
    const children = await Promise.all(["a", "b"].map((name) => startWriter("shared", name, 12)));
    const indexed = await reopened("shared");
    await indexed.index.flush("default");
    for (const child of children) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await indexed.index.flush("default");
    expect(await expectIndexEqualsScan(indexed)).toBeGreaterThan(40);
    await closed(indexed);
  });
});
