import { unlinkSync } from "node:fs";
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
  refuseGaps(segments);
  for (const file of segments) moveSegment(file, parts.rows);
  if (segments.length === 0) return;
  await remove(parts.directory, segments);
}

/** Only an unused segment, prepared ahead, may follow one that was never sealed. */
function refuseGaps(segments: readonly string[]): void {
  let unfinished: string | undefined;
  for (const file of segments) {
    const { sealed, entries } = readSegment(file);
    if (unfinished !== undefined && entries.length > 0) {
      throw new StoreFailure("corrupt", `${unfinished}: not finished, but ${file} follows`);
    }
    if (!sealed) unfinished ??= file;
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
