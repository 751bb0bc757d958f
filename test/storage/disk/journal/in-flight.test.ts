/** Two frames in flight: what their callers are told, and what is read back of them. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Store } from "../../../../src/engine/ports/store.ts";
import {
  encodeSegmentHeader,
  FrameEncoder,
  segmentHeaderBytes,
} from "../../../../src/storage/disk/journal/frame.ts";
import {
  type JournalFiles,
  systemFiles,
} from "../../../../src/storage/disk/journal/journal-files.ts";
import { readSegment } from "../../../../src/storage/disk/journal/read-segment.ts";
import { recoverJournal } from "../../../../src/storage/disk/journal/recover-journal.ts";
import type { SqliteRows } from "../../../../src/storage/disk/sqlite-rows.ts";
import {
  absent,
  CleanUps,
  errnoOf,
  openJournal,
  outcomeOf,
  put,
  putStep,
  textOf,
} from "./journal-fixture.ts";

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** A write that was done and is not told of yet. */
interface HeldWrite {
  succeed(): void;
  fail(code: string): void;
}

interface HeldStore {
  readonly store: Store;
  readonly rows: SqliteRows;
  readonly directory: string;
  readonly held: HeldWrite[];
  release(): void;
}

/** A store whose frames reach the disk at once, but are over when the test says so. */
async function heldStore(): Promise<HeldStore> {
  const directory = cleanUps.directory("in-flight");
  const rows = cleanUps.rows(directory);
  const held: HeldWrite[] = [];
  let holding = false;
  const files: JournalFiles = {
    ...systemFiles,
    openSynced: async (file) => {
      const real = await systemFiles.openSynced(file);
      return {
        sync: () => real.sync(),
        close: () => real.close(),
        write: async (bytes, from, at) => {
          const written = await real.write(bytes, from, at);
          if (!holding) return written;
          await new Promise<void>((succeed, reject) => {
            held.push({ succeed, fail: (code) => reject(errnoOf(code)) });
          });
          return written;
        },
      };
    },
  };
  const { store } = await openJournal({ directory, rows, files });
  holding = true;
  return { store, rows, directory, held, release: () => (holding = false) };
}

/** Two plans in two frames, both written, neither told of. */
async function twoInFlight(opened: HeldStore, second = putStep("b", "2")) {
  const first = outcomeOf(put(opened.store, "a", "1"));
  await vi.waitFor(() => expect(opened.held).toHaveLength(1));
  const other = outcomeOf(opened.store.apply([second]));
  await vi.waitFor(() => expect(opened.held).toHaveLength(2));
  const [one, two] = opened.held;
  if (one === undefined || two === undefined) throw new Error("not held");
  opened.release();
  return { first, other, one, two };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let n = 0; n < 20; n += 1) await turn();
  return !settled;
}

describe("answers", () => {
  test("the second frame is not acknowledged before the first one is durable", async () => {
    const opened = await heldStore();
    const { first, other, one, two } = await twoInFlight(opened);
    two.succeed();
    expect(await isPending(other)).toBe(true);
    expect(await opened.store.get("b")).toBeUndefined();
    one.succeed();
    expect(await Promise.all([first, other])).toEqual(["applied", "applied"]);
    expect(await textOf(opened.store, "b")).toBe("2");
    await opened.store.close();
  });

  test("no third frame begins, and one that is not worth its sync does not either", async () => {
    const opened = await heldStore();
    const pair = [put(opened.store, "a", "1"), put(opened.store, "b", "1")];
    await vi.waitFor(() => expect(opened.held).toHaveLength(1));
    const later = [put(opened.store, "c", "1")];
    for (let n = 0; n < 20; n += 1) await turn();
    expect(opened.held).toHaveLength(1);
    later.push(put(opened.store, "d", "1"));
    await vi.waitFor(() => expect(opened.held).toHaveLength(2));
    for (let n = 0; n < 9; n += 1) later.push(put(opened.store, `e${n}`, "1"));
    for (let n = 0; n < 20; n += 1) await turn();
    expect(opened.held).toHaveLength(2);
    opened.release();
    for (const held of opened.held) held.succeed();
    const kinds = (await Promise.all([...pair, ...later])).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["applied"]));
    await opened.store.close();
  });

  test("no space for the first: both are refused and neither is found again", async () => {
    const opened = await heldStore();
    const { first, other, one, two } = await twoInFlight(opened);
    two.succeed();
    one.fail("ENOSPC");
    expect(await Promise.all([first, other])).toEqual(["full", "full"]);
    expect((await put(opened.store, "c", "3")).kind).toBe("applied");
    expect(await textOf(opened.store, "a")).toBeUndefined();
    await opened.store.close();
    expect(await Promise.all(["a", "b", "c"].map((name) => textOf(opened.rows, name)))).toEqual([
      undefined,
      undefined,
      "3",
    ]);
  });

  test("no space for the second: the first one stays", async () => {
    const opened = await heldStore();
    const { first, other, one, two } = await twoInFlight(opened);
    two.fail("ENOSPC");
    one.succeed();
    expect(await Promise.all([first, other])).toEqual(["applied", "full"]);
    expect((await put(opened.store, "c", "3")).kind).toBe("applied");
    await opened.store.close();
    expect(await Promise.all(["a", "b", "c"].map((name) => textOf(opened.rows, name)))).toEqual([
      "1",
      undefined,
      "3",
    ]);
  });

  test.each([
    ["EIO", "EIO"],
    ["EIO", undefined],
    ["ENOSPC", "EIO"],
  ])("%s of the first and %s of the second: nobody knows about either", async (a, b) => {
    const opened = await heldStore();
    const { first, other, one, two } = await twoInFlight(opened);
    one.fail(a);
    if (b === undefined) two.succeed();
    else two.fail(b);
    expect(await Promise.all([first, other])).toEqual(["unknown", "unknown"]);
    expect(await outcomeOf(put(opened.store, "c", "3"))).toBe("failed");
    await opened.store.close();
    const { directory, rows } = opened;
    await recoverJournal({ directory, rows });
  });

  test("what the second one conflicts with may fail: it is refused, not told of it", async () => {
    const opened = await heldStore();
    const first = outcomeOf(put(opened.store, "a", "1"));
    await vi.waitFor(() => expect(opened.held).toHaveLength(1));
    const other = outcomeOf(opened.store.apply([putStep("a", "2", absent)]));
    expect(await isPending(other)).toBe(true);
    opened.release();
    opened.held[0]?.fail("ENOSPC");
    expect(await Promise.all([first, other])).toEqual(["full", "full"]);
    await opened.store.close();
  });
});

describe("reading back", () => {
  /** Frames of one entry each; `overlaps` tells which of them did not wait for the one before. */
  function segment(overlaps: readonly boolean[]) {
    const salt = 5;
    const frames = overlaps.map((overlapping, n) => {
      const entry = { name: `n${n}`, bytes: Buffer.from(`value ${n}`), seq: n + 1 };
      return new FrameEncoder().encode([entry], { salt, overlaps: overlapping });
    });
    const header = encodeSegmentHeader({ generation: 1, salt });
    const bytes = Buffer.concat([header, ...frames, Buffer.alloc(64)]);
    const startOf = (n: number): number =>
      segmentHeaderBytes + frames.slice(0, n).reduce((sum, { length }) => sum + length, 0);
    return { bytes, startOf };
  }

  function read(bytes: Buffer): string {
    const file = path.join(cleanUps.directory("segment"), "1.seg");
    writeFileSync(file, bytes);
    try {
      return readSegment(file)
        .entries.map(({ name }) => name)
        .join(" ");
    } catch (error) {
      return error instanceof Error ? error.message.replace(/^.*seg: /, "") : String(error);
    }
  }

  test("overlapping frames are read like others", () => {
    expect(read(segment([false, true, true, false]).bytes)).toBe("n0 n1 n2 n3");
  });

  test("any damage of a frame in flight ends the segment, with the overlapping one behind", () => {
    const { bytes, startOf } = segment([false, false, true]);
    for (let at = startOf(1); at < startOf(2); at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(read(damaged)).toBe("n0");
    }
  });

  test.each([
    ["one that waited for the damaged one", [false, false, false]],
    ["two that overlap", [false, false, true, true]],
    ["one that overlaps and one that waited", [false, false, true, false]],
  ])("damage in front of %s is told", (_what, overlaps) => {
    const { bytes, startOf } = segment(overlaps);
    bytes.fill(0, startOf(1), startOf(2));
    expect(read(bytes)).toMatch(/^damaged at offset \d+, data follows$/);
  });
});
