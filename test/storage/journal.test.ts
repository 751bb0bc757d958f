/** The journal byte by byte: what a crash or a bad medium can leave, and failing writes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Store } from "../../src/engine/ports/store.ts";
import {
  decodeFrame,
  encodeFrame,
  encodeSegmentHeader,
  type JournalEntry,
} from "../../src/storage/disk/journal/frame.ts";
import { readSegment, segmentsIn } from "../../src/storage/disk/journal/read-segment.ts";
import { recoverJournal } from "../../src/storage/disk/journal/recover-journal.ts";
import { SqliteRows } from "../../src/storage/disk/sqlite-rows.ts";
import { openStore } from "../../src/storage/open.ts";

const any = { kind: "any" } as const;
const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function directoryOf(name: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), `lockd-${name}-`));
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const entry = fc.record({
  name: fc
    .string({ minLength: 1, maxLength: 40 })
    .filter((name) => Buffer.from(name).toString() === name),
  bytes: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  seq: fc.integer({ min: 1, max: 2 ** 47 }),
});

/** A segment file with the given frames, and where each frame ends. */
function segmentOf(frames: readonly (readonly JournalEntry[])[], salt: number, size = 4096) {
  const parts = [encodeSegmentHeader({ generation: 1, salt })];
  const ends: number[] = [];
  let at = parts[0]?.length ?? 0;
  for (const entries of frames) {
    const frame = encodeFrame(entries, salt);
    parts.push(frame);
    at += frame.length;
    ends.push(at);
  }
  const bytes = Buffer.concat([...parts, Buffer.alloc(Math.max(64, size - at))]);
  return { bytes, ends };
}

function numbered(count: number): JournalEntry[][] {
  return Array.from({ length: count }, (_, n) => [
    { name: `n${n % 3}`, bytes: Buffer.from(`value ${n}`), seq: n + 1 },
  ]);
}

describe("frames", () => {
  test("come back as they were written, and only under their own salt", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), fc.nat(), (entries, salt) => {
        const frame = encodeFrame(entries, salt);
        const read = decodeFrame(frame, 0, salt);
        expect(read?.end).toBe(frame.length);
        expect(read?.entries.map(({ name, seq }) => [name, seq])).toEqual(
          entries.map(({ name, seq }) => [name, seq]),
        );
        for (const [at, { bytes }] of entries.entries()) {
          const found = read?.entries[at]?.bytes;
          expect(found === undefined).toBe(bytes === undefined);
          if (bytes !== undefined) expect(Buffer.compare(Buffer.from(found ?? []), bytes)).toBe(0);
        }
        expect(decodeFrame(frame, 0, salt + 1)).toBeUndefined();
      }),
    );
  });
});

describe("segments", () => {
  test("cut anywhere, a segment yields a prefix of whole frames", () => {
    const directory = directoryOf("cut");
    const file = path.join(directory, "1.seg");
    const { bytes, ends } = segmentOf(numbered(8), 77);
    for (let cut = 32; cut <= (ends.at(-1) ?? 0); cut += 1) {
      const torn = Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(bytes.length - cut)]);
      writeFileSync(file, torn);
      const whole = ends.filter((end) => end <= cut).length;
      // Zeros may happen to be what was cut off; then one more frame is whole.
      const { entries } = readSegment(file);
      expect([whole, whole + 1]).toContain(entries.length);
      expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, n) => n + 1));
    }
  });

  test("a flipped bit is never read: the end when last, corruption when frames follow", () => {
    const directory = directoryOf("flip");
    const file = path.join(directory, "1.seg");
    const { bytes, ends } = segmentOf(numbered(5), 99);
    const lastStart = ends.at(-2) ?? 0;
    for (let at = 32; at < (ends.at(-1) ?? 0); at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      writeFileSync(file, flipped);
      if (at >= lastStart) expect(readSegment(file).entries).toHaveLength(4);
      else expect(() => readSegment(file)).toThrow(/damaged at offset/);
    }
  });

  test("frames of an earlier use of the file are not read", () => {
    const directory = directoryOf("reused");
    const file = path.join(directory, "1.seg");
    const old = segmentOf(numbered(6), 1).bytes;
    const header = encodeSegmentHeader({ generation: 2, salt: 2 });
    const frame = encodeFrame([{ name: "new", bytes: Buffer.from("x"), seq: 9 }], 2);
    const reused = Buffer.concat([header, frame, old.subarray(32 + frame.length)]);
    writeFileSync(file, reused);
    expect(readSegment(file).entries.map(({ name }) => name)).toEqual(["new"]);
  });
});

describe("recovery", () => {
  test("may be repeated, and never brings back what SQLite knows to be newer", async () => {
    const directory = directoryOf("recover");
    const rows = SqliteRows.open({ path: path.join(directory, "lockd.db") });
    cleanUps.push(() => rows.close());
    const { bytes } = segmentOf(
      [
        [{ name: "a", bytes: Buffer.from("1"), seq: 1 }],
        [{ name: "b", bytes: Buffer.from("2"), seq: 2 }],
        [{ name: "b", bytes: undefined, seq: 3 }],
      ],
      5,
    );
    const write = () => {
      const journal = path.join(directory, "journal");
      rmSync(journal, { recursive: true, force: true });
      mkdirSync(journal);
      writeFileSync(path.join(journal, "000000000001.seg"), bytes);
    };
    write();
    await recoverJournal({ directory, rows });
    expect(segmentsIn(directory)).toEqual([]);
    expect(rows.get("b")).toBeUndefined();
    rows.applyPlans([[{ kind: "put", name: "b", bytes: Buffer.from("new"), when: any }]], () => {});
    write();
    await recoverJournal({ directory, rows });
    expect(rows.get("b")?.bytes.toString()).toBe("new");
    expect(rows.get("a")?.bytes.toString()).toBe("1");
  });
});

/** Lets the n-th write of file handles fail. */
async function failingWrites(
  error: NodeJS.ErrnoException,
  fromWrite: number,
): Promise<() => number> {
  const probe = await open("/dev/null", "r");
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const original = prototype.write as (...values: unknown[]) => Promise<unknown>;
  let writes = 0;
  vi.spyOn(prototype, "write").mockImplementation(async function (
    this: FileHandle,
    ...values: unknown[]
  ) {
    writes += 1;
    if (writes === fromWrite) throw error;
    return original.apply(this, values) as never;
  } as FileHandle["write"]);
  return () => writes;
}

function errnoOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code} injected`), { code });
}

async function put(store: Store, name: string, text: string) {
  return store.apply([{ kind: "put", name, bytes: Buffer.from(text), when: any }]);
}

describe("failing writes", () => {
  test("EIO: the outcome is unknown and the instance writes no more", async () => {
    const directory = directoryOf("eio");
    const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
    expect((await put(store, "a", "1")).kind).toBe("applied");
    await failingWrites(errnoOf("EIO"), 1);
    expect((await put(store, "a", "2")).kind).toBe("unknown");
    await expect(put(store, "a", "3")).rejects.toMatchObject({ kind: "failed" });
    vi.restoreAllMocks();
    await expect(put(store, "a", "4")).rejects.toMatchObject({ kind: "failed" });
    expect((await store.get("a"))?.bytes.toString()).toBe("1");
    await store.close();
    const again = await openStore(`disk://${directory}`, { gear: "shared" });
    expect(["1", "2"]).toContain((await again.get("a"))?.bytes.toString());
    await again.close();
  });

  test("ENOSPC in the middle of a segment: nothing happened, and it heals", async () => {
    const directory = directoryOf("enospc");
    const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
    expect((await put(store, "a", "1")).kind).toBe("applied");
    await failingWrites(errnoOf("ENOSPC"), 1);
    await expect(put(store, "a", "2")).rejects.toMatchObject({ kind: "full" });
    expect((await store.get("a"))?.bytes.toString()).toBe("1");
    expect((await put(store, "a", "3")).kind).toBe("applied");
    await store.close();
    const again = await openStore(`disk://${directory}`, { gear: "shared" });
    expect((await again.get("a"))?.bytes.toString()).toBe("3");
    await again.close();
  });

  test("everything decided on top of a failed write fails with it", async () => {
    const directory = directoryOf("chain");
    const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
    const first = await put(store, "a", "1");
    const tag = first.kind === "applied" ? first.tags[0] : undefined;
    await failingWrites(errnoOf("EIO"), 1);
    const results = await Promise.allSettled([put(store, "a", "2"), put(store, "b", "x")]);
    expect(results.every((one) => one.status === "rejected" || one.value.kind === "unknown")).toBe(
      true,
    );
    expect((await store.get("a"))?.tag).toBe(tag);
    await store.close();
  });
});

test("many segments: rolled, moved behind, recycled, and all of it is there", async () => {
  const directory = directoryOf("roll");
  const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
  const text = (n: number) => `${n}:${"x".repeat(16_000)}`;
  for (let batch = 0; batch < 40; batch += 1) {
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => put(store, `n/${n}`, text(batch * 50 + n))),
    );
  }
  const page = await store.list("n/", { limit: 1000 });
  expect(page.names).toHaveLength(50);
  // The worker moves full segments while we go on; what it moved shows in SQLite's files.
  const moved = () =>
    ["lockd.db", "lockd.db-wal"].some(
      (file) => readFileSync(path.join(directory, file)).length > 500_000,
    );
  await vi.waitFor(() => expect(moved()).toBe(true), { timeout: 10_000 });
  await store.close();
  expect(segmentsIn(directory)).toEqual([]);
  const again = await openStore(`disk://${directory}`, { gear: "shared" });
  for (let n = 0; n < 50; n += 1) {
    expect((await again.get(`n/${n}`))?.bytes.toString()).toBe(text(39 * 50 + n));
  }
  await again.close();
}, 30_000);
