/** A mover that lags, fails, dies or is busy: writers wait or are told, readers never notice. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import Database from "better-sqlite3";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Store, StoreFailure } from "../../../../src/engine/ports/store.ts";
import { byBytes } from "../../../../src/storage/byte-order.ts";
import { encodeFrame, encodeSegmentHeader } from "../../../../src/storage/disk/journal/frame.ts";
import { queuedBytesMax } from "../../../../src/storage/disk/journal/journal-writer.ts";
import { moveSegment } from "../../../../src/storage/disk/journal/move-segment.ts";
import { Mover, type SegmentMover } from "../../../../src/storage/disk/journal/mover.ts";
import { overlayPage } from "../../../../src/storage/disk/journal/overlay-page.ts";
import { segmentsIn } from "../../../../src/storage/disk/journal/read-segment.ts";
import { unmovedSegmentsMax } from "../../../../src/storage/disk/journal/sealed-segments.ts";
import { segmentBytesDefault } from "../../../../src/storage/disk/journal/segment-file.ts";
import type { SqliteRows } from "../../../../src/storage/disk/sqlite-rows.ts";
import { any, CleanUps, openJournal, outcomeOf, put, textOf } from "./journal-fixture.ts";

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** Moves a segment when the test says so, or fails as it says. */
class HeldMover implements SegmentMover {
  readonly #rows: SqliteRows;
  #asked: { readonly file: string; resolve(): void; reject(error: Error): void } | undefined;

  constructor(rows: SqliteRows) {
    this.#rows = rows;
  }

  move(file: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#asked = { file, resolve, reject };
    });
  }

  async stop(): Promise<void> {}

  get isAsked(): boolean {
    return this.#asked !== undefined;
  }

  async next(): Promise<void> {
    const asked = await this.#taken();
    moveSegment(asked.file, this.#rows);
    asked.resolve();
  }

  async fail(error: StoreFailure): Promise<void> {
    (await this.#taken()).reject(error);
  }

  async #taken() {
    const asked = await vi.waitFor(() => {
      if (this.#asked === undefined) throw new Error("nothing was asked of the mover");
      return this.#asked;
    });
    this.#asked = undefined;
    return asked;
  }
}

async function held() {
  const directory = cleanUps.directory("held");
  const rows = cleanUps.rows(directory);
  const mover = new HeldMover(rows);
  const opened = await openJournal({ directory, rows, mover, segmentBytes: 8_192 });
  return { ...opened, mover };
}

/** Milliseconds without an answer, once the journal is as long as it may be, that mean waiting. */
const patienceMs = 400;

/** Writes until the journal may not grow and a write is not answered; that one. */
async function fillUp(
  store: Store,
  directory: string,
): Promise<{ count: number; waiting: Promise<string> }> {
  for (let count = 0; ; count += 1) {
    const waiting = outcomeOf(put(store, `n/${count % 50}`, `${count}:${"x".repeat(1_000)}`));
    let answered = false;
    void waiting.then(() => {
      answered = true;
    });
    // A slow disk is no full journal: only with the last segment in use the time counts.
    let since = performance.now();
    while (!answered && performance.now() - since < patienceMs) {
      if (segmentsIn(directory).length < unmovedSegmentsMax + 2) since = performance.now();
      await turn();
    }
    if (!answered) return { count, waiting };
  }
}

async function moveAll(mover: HeldMover, closing: Promise<void>): Promise<void> {
  let open = true;
  const closed = closing.then(() => {
    open = false;
  });
  while (open) await Promise.race([closed, mover.next().catch(() => undefined)]);
}

describe("a mover that lags", () => {
  test("writers wait when too much is unmoved, and go on when it gets on", async () => {
    const { store, mover, directory, rows } = await held();
    const { count, waiting } = await fillUp(store, directory);
    expect(count).toBeGreaterThan(unmovedSegmentsMax * 6);
    expect(count).toBeLessThan((unmovedSegmentsMax + 1) * 8);
    expect(segmentsIn(directory).length).toBeLessThanOrEqual(unmovedSegmentsMax + 2);
    expect(await textOf(store, "n/0")).toBeDefined();
    await mover.next();
    expect(await waiting).toBe("applied");
    const closing = store.close();
    await moveAll(mover, closing);
    expect(await textOf(rows, `n/${count % 50}`)).toContain(`${count}:`);
  });

  test("a waiting writer is told when the mover fails for now, and goes on later", async () => {
    const { store, mover, directory } = await held();
    const { waiting } = await fillUp(store, directory);
    await mover.fail(new StoreFailure("full", "no space for the database"));
    expect(await waiting).toBe("full");
    expect(await outcomeOf(put(store, "later", "x".repeat(2_000)))).toBe("full");
    expect(await textOf(store, "n/0")).toBeDefined();
    await mover.next();
    await vi.waitFor(async () =>
      expect(await outcomeOf(put(store, "later", "x".repeat(2_000)))).toBe("applied"),
    );
    await moveAll(mover, store.close());
  });

  test("a mover that failed for good stops writes, loses nothing", async () => {
    const { store, mover, directory, rows, closedClean } = await held();
    const { count, waiting } = await fillUp(store, directory);
    await mover.fail(new StoreFailure("failed", "the worker broke"));
    expect(await waiting).toBe("failed");
    expect(await outcomeOf(put(store, "more", "1"))).toBe("failed");
    expect(await textOf(store, `n/${(count - 1) % 50}`)).toContain(`${count - 1}:`);
    await store.close();
    expect(closedClean()).toBe(false);
    const again = await openJournal({ directory, rows });
    expect(await textOf(again.store, `n/${(count - 1) % 50}`)).toContain(`${count - 1}:`);
    await again.store.close();
  });

  test("what waits in memory is bounded: beyond it a write is refused at once", async () => {
    const { store, mover, directory } = await held();
    const { waiting } = await fillUp(store, directory);
    const text = "y".repeat(7_000);
    const outcomes: Promise<string>[] = [];
    const enough = Math.ceil(queuedBytesMax / text.length) + 10;
    for (let n = 0; n < enough; n += 1) outcomes.push(outcomeOf(put(store, `q/${n}`, text)));
    expect(await outcomes.at(-1)).toBe("unavailable");
    await mover.fail(new StoreFailure("full", "no space"));
    expect(await waiting).toBe("full");
    const kinds = await Promise.all(outcomes);
    expect(new Set(kinds)).toEqual(new Set(["full", "unavailable"]));
    // Refused plans no longer count.
    await mover.next();
    await vi.waitFor(async () => expect(await outcomeOf(put(store, "z", text))).toBe("applied"));
    await moveAll(mover, store.close());
  });
});

describe("listing", () => {
  test("a change in the overlay shows before the mover took it away and after", async () => {
    const directory = cleanUps.directory("tombstone");
    const rows = cleanUps.rows(directory);
    rows.writeMoved(
      ["k/2", "k/3", "k/5"].map((name) => ({ name, bytes: Buffer.from("old"), seq: 1 })),
      1,
    );
    const mover = new HeldMover(rows);
    const { store } = await openJournal({ directory, rows, mover, segmentBytes: 8_192 });
    await put(store, "k/1", "new");
    await store.apply([{ kind: "delete", name: "k/2", when: any }]);
    await put(store, "k/3", "new");
    const look = async () => {
      const { objects, more } = await store.scan("k/", { limit: 10 });
      const first = await store.scan("k/", { limit: 1 });
      const second = await store.scan("k/", { after: "k/1", limit: 1 });
      expect([more, first.more, second.more]).toEqual([false, true, true]);
      expect([...first.objects, ...second.objects]).toEqual(objects.slice(0, 2));
      expect((await store.list("k/", { limit: 10 })).names).toEqual(objects.map((o) => o.name));
      return objects.map(({ name, bytes }) => `${name}=${Buffer.from(bytes)}`);
    };
    const expected = ["k/1=new", "k/3=new", "k/5=old"];
    expect(await look()).toEqual(expected);
    await fillUp(store, directory);
    await mover.next();
    await vi.waitFor(() => expect(mover.isAsked).toBe(true));
    expect(rows.get("k/2")).toBeUndefined();
    expect(await look()).toEqual(expected);
    await moveAll(mover, store.close());
  });

  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 });

  test("names are compared as their bytes are", () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        const expected = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(Math.sign(byBytes(a, b))).toBe(expected);
      }),
      {
        examples: [
          ["\u{10000}", "\uFFFD"],
          ["\u{10000}", "\uD7FF"],
          ["a", "a\u{1F512}"],
        ],
      },
    );
  });

  test("a page of the overlay is the first names in byte order", () => {
    const names = fc.uniqueArray(name, { maxLength: 60 });
    fc.assert(
      fc.property(
        names,
        fc.option(name, { nil: undefined }),
        fc.integer({ min: 1, max: 9 }),
        (all, after, limit) => {
          const entries = all.map((one, n) => {
            return [
              one,
              { name: one, seq: n, bytes: n % 3 ? Buffer.alloc(0) : undefined },
            ] as const;
          });
          const page = overlayPage(new Map(entries), "", { after, limit });
          const left = [...all].sort(byBytes).filter((n) => !after || byBytes(n, after) > 0);
          expect(page.names).toEqual(left.slice(0, limit));
          expect(page.more).toBe(left.length > limit);
          const deleted = page.names.filter((one) => all.indexOf(one) % 3 === 0);
          expect([...page.deleted]).toEqual(deleted);
        },
      ),
    );
  });
});

describe("the worker", () => {
  test("one that cannot work says so, and stopping it returns", async () => {
    const mover = new Mover("/nonexistent/lockd.db");
    await expect(mover.move("/nonexistent/1.seg")).rejects.toBeInstanceOf(StoreFailure);
    await mover.stop();
    await mover.stop();
  });

  test("a database that others keep busy delays it; writers are told, then go on", async () => {
    const directory = cleanUps.directory("busy");
    const rows = cleanUps.rows(directory);
    const mover = new Mover(rows.path);
    const { store } = await openJournal({ directory, rows, mover, segmentBytes: 8_192 });
    const other = new Database(rows.path, { timeout: 0 });
    other.exec("BEGIN IMMEDIATE");
    let outcome = "applied";
    for (let n = 0; n < 200 && outcome === "applied"; n += 1) {
      outcome = await outcomeOf(put(store, `n/${n}`, "x".repeat(1_000)));
    }
    expect(outcome).toBe("unavailable");
    other.exec("ROLLBACK");
    other.close();
    await vi.waitFor(
      async () => expect(await outcomeOf(put(store, "later", "x".repeat(1_000)))).toBe("applied"),
      { timeout: 5_000 },
    );
    await store.close();
    expect(await textOf(rows, "later")).toBeDefined();
  });

  test("a process that closes its store ends when all is moved, and not before", async () => {
    const directory = cleanUps.directory("closing");
    const closer = path.join(import.meta.dirname, "store-closer.ts");
    const child = spawnSync(process.execPath, ["--no-warnings", closer, directory], {
      encoding: "utf8",
      timeout: 15_000,
    });
    expect([child.status, child.stdout, child.stderr]).toEqual([0, "closed\n", ""]);
    expect(segmentsIn(directory)).toEqual([]);
  });

  test("has memory for a whole segment of the smallest records", async () => {
    const directory = cleanUps.directory("small");
    const rows = cleanUps.rows(directory);
    const mover = new Mover(rows.path);
    cleanUps.add(() => mover.stop());
    const frames = [encodeSegmentHeader({ generation: 1, salt: 3 })];
    let seq = 0;
    for (let bytes = 0; bytes < segmentBytesDefault; bytes += frames.at(-1)?.length ?? 0) {
      const entries = Array.from({ length: 40_000 }, () => {
        seq += 1;
        return { name: `k/${seq.toString(36)}`, bytes: undefined, seq };
      });
      frames.push(encodeFrame(entries, 3));
    }
    const file = path.join(directory, "1.seg");
    writeFileSync(file, Buffer.concat(frames));
    await mover.move(file);
    expect(rows.lastSeq()).toBe(seq);
  });
});
