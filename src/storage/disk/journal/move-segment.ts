import type { MovedRow, SqliteRows } from "../sqlite-rows.ts";
import type { JournalEntry } from "./frame.ts";
import { readSegment } from "./read-segment.ts";

/** Only the last write of a name has to reach SQLite. */
function lastOfEachName(entries: readonly JournalEntry[]): Map<string, MovedRow> {
  const last = new Map<string, MovedRow>();
  for (const entry of entries) last.set(entry.name, entry);
  return last;
}

/**
 * Moves a segment into SQLite in one durable transaction; may be repeated.
 * @throws StoreFailure
 */
export function moveSegment(file: string, rows: SqliteRows): void {
  const { entries } = readSegment(file);
  const lastSeq = entries.at(-1)?.seq ?? 0;
  if (lastSeq > 0) rows.writeMoved(lastOfEachName(entries).values(), lastSeq);
}
