import { unlinkSync } from "node:fs";
import path from "node:path";
import { StoreFailure } from "../../../engine/ports/store.ts";
import { syncDirectory } from "../content-files.ts";
import { codeOf, storeFailureOf } from "../sqlite-failure.ts";
import type { SqliteRows } from "../sqlite-rows.ts";
import { moveSegment } from "./move-segment.ts";
import { journalDirectory, readSegment, segmentsIn } from "./read-segment.ts";

/**
 * Brings everything a dead owner acknowledged into SQLite and leaves an empty journal. Idempotent,
 * and safe to be killed inside: a segment is removed only after it was moved durably, oldest first.
 * The caller holds the owner's lock.
 * @throws StoreFailure "corrupt" naming file and offset
 */
export async function recoverJournal(parts: {
  readonly directory: string;
  readonly rows: SqliteRows;
}): Promise<void> {
  const segments = segmentsIn(parts.directory);
  refuseGaps(segments, parts.rows.lastSeq());
  for (const file of segments) moveSegment(file, parts.rows);
  if (segments.length === 0) return;
  await remove(parts.directory, segments);
}

/**
 * Only an unused segment, prepared ahead, may follow one that was never sealed; and none may be
 * missing in between, unless SQLite has what follows: then the missing one was moved before it.
 */
function refuseGaps(segments: readonly string[], knownSeq: number): void {
  let before: { readonly file: string; readonly generation: number; sealed: boolean } | undefined;
  for (const file of segments) {
    const { generation, sealed, entries } = readSegment(file);
    if (generation !== Number(path.basename(file, ".seg"))) {
      throw new StoreFailure("corrupt", `${file}: holds segment ${generation}`);
    }
    const isNews = (entries.at(-1)?.seq ?? 0) > knownSeq;
    if (before !== undefined && isNews && !before.sealed) {
      throw new StoreFailure("corrupt", `${before.file}: not finished, but ${file} follows`);
    }
    if (before !== undefined && isNews && generation !== before.generation + 1) {
      throw new StoreFailure("corrupt", `${file}: segment ${generation - 1} before it is missing`);
    }
    before = { file, generation, sealed };
  }
}

async function remove(directory: string, files: readonly string[]): Promise<void> {
  const place = journalDirectory(directory);
  try {
    for (const file of files) unlinkSync(file);
    await syncDirectory(place);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw storeFailureOf(error, place);
  }
}
