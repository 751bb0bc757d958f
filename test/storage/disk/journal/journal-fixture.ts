/** A store in the exclusive gear on parts of the test's choice. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ApplyResult, Plan, Store } from "../../../../src/engine/ports/store.ts";
import { ContentFiles } from "../../../../src/storage/disk/content-files.ts";
import { openExclusiveStore } from "../../../../src/storage/disk/journal/exclusive-store.ts";
import type { JournalParts } from "../../../../src/storage/disk/journal/journal-writer.ts";
import { moveSegment } from "../../../../src/storage/disk/journal/move-segment.ts";
import type { SegmentMover } from "../../../../src/storage/disk/journal/mover.ts";
import { recoverJournal } from "../../../../src/storage/disk/journal/recover-journal.ts";
import { SqliteRows } from "../../../../src/storage/disk/sqlite-rows.ts";

export const any = { kind: "any" } as const;
export const absent = { kind: "absent" } as const;

/** Runs in reverse order of what was added, once. */
export class CleanUps {
  readonly #all: (() => void | Promise<void>)[] = [];

  add(cleanUp: () => void | Promise<void>): void {
    this.#all.push(cleanUp);
  }

  async run(): Promise<void> {
    for (const cleanUp of this.#all.splice(0).reverse()) await cleanUp();
  }

  directory(name: string): string {
    const directory = mkdtempSync(path.join(tmpdir(), `lockd-${name}-`));
    this.add(() => rmSync(directory, { recursive: true, force: true }));
    return directory;
  }

  rows(directory: string): SqliteRows {
    const rows = SqliteRows.open({ path: path.join(directory, "lockd.db") });
    this.add(() => rows.close());
    return rows;
  }
}

export interface OpenedJournal {
  readonly store: Store;
  readonly rows: SqliteRows;
  readonly directory: string;
  /** Whether the store left an empty journal; undefined before it is closed. */
  closedClean(): boolean | undefined;
}

/** Recovers and opens; moves segments in this thread unless the test brings a mover. */
export async function openJournal(
  parts: JournalParts & { readonly content?: ContentFiles },
): Promise<OpenedJournal> {
  const { directory, rows } = parts;
  await recoverJournal({ directory, rows });
  let clean: boolean | undefined;
  const store = await openExclusiveStore({
    mover: moverInThread(rows),
    content: new ContentFiles(directory),
    ...parts,
    onClosed: (isClean) => {
      clean = isClean;
    },
  });
  return { store, rows, directory, closedClean: () => clean };
}

function moverInThread(rows: SqliteRows): SegmentMover {
  return {
    move: async (file) => moveSegment(file, rows),
    stop: async () => undefined,
  };
}

export function putStep(name: string, text: string, when: Plan[number]["when"] = any) {
  return { kind: "put", name, bytes: Buffer.from(text), when } as const;
}

export function put(store: Store, name: string, text: string): Promise<ApplyResult> {
  return store.apply([putStep(name, text)]);
}

export async function textOf(
  store: { get(name: string): unknown },
  name: string,
): Promise<string | undefined> {
  const found = (await store.get(name)) as { readonly bytes: Uint8Array } | undefined;
  return found === undefined ? undefined : Buffer.from(found.bytes).toString();
}

/** What became of a write: the kind of its result or of its failure. */
export function outcomeOf(result: Promise<ApplyResult>): Promise<string> {
  return result.then(
    ({ kind }) => kind,
    (error: { readonly kind?: string }) => error.kind ?? String(error),
  );
}

export function errnoOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code} injected`), { code });
}
