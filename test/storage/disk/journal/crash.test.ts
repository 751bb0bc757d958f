/** A power cut during every file operation of a journal's life: old or new, never a mix. */
import { copyFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Plan, Store } from "../../../../src/engine/ports/store.ts";
import { moveSegment } from "../../../../src/storage/disk/journal/move-segment.ts";
import { segmentsIn } from "../../../../src/storage/disk/journal/read-segment.ts";
import { recoverJournal } from "../../../../src/storage/disk/journal/recover-journal.ts";
import { SqliteRows } from "../../../../src/storage/disk/sqlite-rows.ts";
import { any, CleanUps, openJournal, putStep, textOf } from "./journal-fixture.ts";
import { type Cut, type LoggedOperation, powerCut, RecordingFiles } from "./recording-files.ts";

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** What is known at the start of an operation. */
interface Note {
  /** Plans handed to the store, and those answered `applied`. */
  readonly submitted: number;
  readonly acknowledged: number;
  /** What SQLite has. */
  readonly movedSeq: number;
}

const names = ["a", "b", "c", "d"];

/** A transfer of two names and, now and then, a delete: a mix of two plans shows. */
function planOf(n: number): Plan {
  const [one = "", other = ""] = [names[n % 4], names[(n + 1) % 4]];
  const text = `${n}:${"x".repeat((n * 37) % 700)}`;
  if (n % 5 === 4) return [{ kind: "delete", name: one, when: any }, putStep(other, text)];
  return [putStep(one, text), putStep(other, text)];
}

/** Contents after the first `count` plans. */
function contentsAfter(count: number): Record<string, string | undefined> {
  const contents: Record<string, string | undefined> = {};
  for (const name of names) contents[name] = undefined;
  for (let n = 0; n < count; n += 1) {
    for (const step of planOf(n)) {
      contents[step.name] = step.kind === "put" ? Buffer.from(step.bytes).toString() : undefined;
    }
  }
  return contents;
}

async function contentsOf(rows: SqliteRows): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for (const name of names) found[name] = await textOf(rows, name);
  return found;
}

class Workload {
  submitted = 0;
  acknowledged = 0;

  /** Plans one after the other, `together` of them in one frame. */
  async run(store: Store, { plans, together }: { plans: number; together: number }): Promise<void> {
    for (let done = 0; done < plans; done += together) {
      const applied = Array.from({ length: together }, async () => {
        const plan = planOf(this.submitted);
        this.submitted += 1;
        expect((await store.apply(plan)).kind).toBe("applied");
        this.acknowledged += 1;
      });
      await Promise.all(applied);
    }
  }
}

async function recordedLife(): Promise<{ directory: string; log: readonly LoggedOperation[] }> {
  const directory = cleanUps.directory("cut");
  const rows = cleanUps.rows(directory);
  const work = new Workload();
  const files = new RecordingFiles((): Note => {
    const { submitted, acknowledged } = work;
    return { submitted, acknowledged, movedSeq: rows.lastSeq() };
  });
  const { store, closedClean } = await openJournal({ directory, rows, files, segmentBytes: 9_000 });
  await work.run(store, { plans: 45, together: 1 });
  await work.run(store, { plans: 60, together: 4 });
  await store.close();
  expect(closedClean()).toBe(true);
  expect(await contentsOf(rows)).toEqual(contentsAfter(105));
  return { directory, log: files.log };
}

/** SQLite as it is once everything up to a sequence was moved; each plan has two steps. */
class Databases {
  readonly #directory = cleanUps.directory("moved");
  readonly #made = new Map<number, string>();

  copyTo(target: string, seq: number): void {
    const made = this.#made.get(seq) ?? this.#make(seq);
    this.#made.set(seq, made);
    copyFileSync(made, path.join(target, "lockd.db"));
  }

  #make(seq: number): string {
    const file = path.join(this.#directory, `${seq}.db`);
    const rows = SqliteRows.open({ path: file });
    const contents = contentsAfter(seq / 2);
    const moved = Object.entries(contents).map(([name, text]) => {
      return { name, seq, bytes: text === undefined ? undefined : Buffer.from(text) };
    });
    rows.writeMoved(moved, seq);
    rows.close();
    return file;
  }
}

function cutsFor(step: number): Cut[] {
  let state = step * 2654435761 + 1;
  const fraction = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return [
    { granule: 512, fraction: () => 0 },
    { granule: 512, fraction: () => 0.999 },
    { granule: 512, fraction },
    { granule: 4096, fraction },
  ];
}

test("a power cut during any operation leaves whole plans, all acknowledged ones", async () => {
  const { directory: source, log } = await recordedLife();
  const kinds = new Set(log.map(({ operation }) => operation.kind));
  expect([...kinds].sort()).toContain("writeSynced");
  expect(log.filter(({ operation }) => operation.kind === "rename").length).toBeGreaterThan(8);
  const databases = new Databases();
  let kept = 0;
  for (let step = 1; step <= log.length; step += 1) {
    const note = log[step - 1]?.note as Note;
    for (const cut of cutsFor(step)) {
      const target = cleanUps.directory("after");
      databases.copyTo(target, note.movedSeq);
      powerCut(log.slice(0, step), { source, target }, cut);
      const rows = SqliteRows.open({ path: path.join(target, "lockd.db") });
      await recoverJournal({ directory: target, rows });
      const found = JSON.stringify(await contentsOf(rows));
      const possible: string[] = [];
      for (let count = note.acknowledged; count <= note.submitted; count += 1) {
        possible.push(JSON.stringify(contentsAfter(count)));
      }
      expect(possible, `step ${step} of ${log.length}`).toContain(found);
      if (possible.indexOf(found) > 0) kept += 1;
      expect(segmentsIn(target)).toEqual([]);
      rows.close();
    }
  }
  // Some cuts must have kept what was in flight, or the test cuts nothing.
  expect(kept).toBeGreaterThan(10);
}, 60_000);

test("recovery killed anywhere inside may be run again", async () => {
  const { directory: source, log } = await recordedLife();
  // The cut with the most segments in use.
  const inUse = log.map((_, step) => {
    const used = new Set<string>();
    for (const { operation } of log.slice(0, step)) {
      if (operation.kind !== "rename") continue;
      used.delete(operation.from);
      if (operation.to.endsWith(".seg")) used.add(operation.to);
    }
    return used.size;
  });
  const step = inUse.lastIndexOf(Math.max(...inUse)) + 1;
  const note = log[step - 1]?.note as Note;
  const cut: Cut = { granule: 512, fraction: () => 0 };
  const databases = new Databases();
  for (const [moved, removed] of [
    [0, 0],
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
    [2, 2],
  ] as const) {
    const target = cleanUps.directory("again");
    databases.copyTo(target, note.movedSeq);
    powerCut(log.slice(0, step), { source, target }, cut);
    const rows = SqliteRows.open({ path: path.join(target, "lockd.db") });
    const segments = segmentsIn(target);
    expect(segments.length).toBeGreaterThan(1);
    for (const file of segments.slice(0, moved)) moveSegment(file, rows);
    for (const file of segments.slice(0, removed)) rmSync(file);
    await recoverJournal({ directory: target, rows });
    await recoverJournal({ directory: target, rows });
    expect(await contentsOf(rows)).toEqual(contentsAfter(note.acknowledged));
    expect(readdirSync(path.join(target, "journal")).filter((n) => n.endsWith(".seg"))).toEqual([]);
    rows.close();
  }
});
