/** The order of changes while segments move from the overlay into SQLite between any two looks. */
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { moveSegment } from "../../../../src/storage/disk/journal/move-segment.ts";
import type { SegmentMover } from "../../../../src/storage/disk/journal/mover.ts";
import { CleanUps, openJournal, put } from "./journal-fixture.ts";

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test("a reader that follows the changes misses none while segments move", async () => {
  const directory = cleanUps.directory("changes");
  const rows = cleanUps.rows(directory);
  let moved = 0;
  const mover: SegmentMover = {
    move: async (file) => {
      // In SQLite first, out of the overlay some turns later: looks in between see both.
      moveSegment(file, rows);
      moved += 1;
      for (let turns = 0; turns < moved % 4; turns += 1) await turn();
    },
    stop: async () => undefined,
  };
  const { store } = await openJournal({ directory, rows, mover, segmentBytes: 4_096 });
  const truth = new Map<string, string>();
  const seen = new Map<string, string>();
  let cursor: string | undefined;
  const look = async (limit: number): Promise<boolean> => {
    const page = await store.changesSince?.(cursor, limit);
    for (const { name, bytes } of page?.objects ?? []) {
      const text = Buffer.from(bytes).toString();
      expect(Number(text)).toBeGreaterThan(Number(seen.get(name) ?? -1));
      seen.set(name, text);
    }
    cursor = page?.cursor;
    return page?.more === true;
  };
  for (let round = 0; round < 600; round += 1) {
    const name = `k/ns/${(round * 7) % 23}`;
    truth.set(name, String(round));
    await Promise.all([put(store, name, String(round)), put(store, `q/${round % 5}`, "queue")]);
    if (round % 3 === 0) await look(1 + (round % 5));
  }
  while (await look(3));
  expect(moved).toBeGreaterThan(5);
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(truth));
  const again = await store.changesSince?.(cursor, 1_000);
  expect(again?.objects).toEqual([]);
  await store.close();
});

test("the log of changes does not outlive the segments it is of", async () => {
  const { ChangeLog } = await import("../../../../src/storage/disk/journal/change-log.ts");
  const log = new ChangeLog(10);
  for (let seq = 11; seq <= 20_010; seq += 1) log.note(seq % 2 === 0 ? "k/a/b" : "q/x", seq);
  expect(log.last).toBe(20_010);
  expect([...log.after(20_000)].map(({ seq }) => seq)).toEqual([
    20_002, 20_004, 20_006, 20_008, 20_010,
  ]);
  log.moved(20_006);
  expect([...log.after(0)].map(({ seq }) => seq)).toEqual([20_008, 20_010]);
  log.note("k/a/b", 20_012);
  expect([...log.after(20_008)]).toEqual([
    { name: "k/a/b", seq: 20_010 },
    { name: "k/a/b", seq: 20_012 },
  ]);
});
