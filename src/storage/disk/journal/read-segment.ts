/** Reads a segment back: for moving it into SQLite, and for recovery. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { StoreFailure } from "../../../engine/ports/store.ts";
import { codeOf, storeFailureOf } from "../sqlite-failure.ts";
import {
  decodeFrame,
  decodeSegmentHeader,
  type JournalEntry,
  segmentHeaderBytes,
} from "./frame.ts";

export interface SegmentContent {
  readonly generation: number;
  /** In the order in which they were written. */
  readonly entries: readonly JournalEntry[];
  readonly sealed: boolean;
}

export function journalDirectory(directory: string): string {
  return path.join(directory, "journal");
}

export function segmentPath(directory: string, generation: number): string {
  const name = `${String(generation).padStart(12, "0")}.seg`;
  return path.join(journalDirectory(directory), name);
}

/** Paths of the segments in use, oldest first. */
export function segmentsIn(directory: string): string[] {
  const place = journalDirectory(directory);
  try {
    const names = readdirSync(place).filter((name) => name.endsWith(".seg"));
    return names.sort().map((name) => path.join(place, name));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw storeFailureOf(error, place);
  }
}

/**
 * All entries of a segment. A bad frame ends it (the write in flight at a crash), unless valid
 * frames follow: those were acknowledged after it, so the medium lost something in between.
 * @throws StoreFailure "corrupt" naming file and offset
 */
export function readSegment(file: string): SegmentContent {
  let segment: Buffer;
  try {
    segment = readFileSync(file);
  } catch (error) {
    throw storeFailureOf(error, file);
  }
  const header = decodeSegmentHeader(segment);
  if (header === undefined) throw new StoreFailure("corrupt", `${file}: bad segment header`);
  const entries: JournalEntry[] = [];
  let at = segmentHeaderBytes;
  for (;;) {
    const frame = decodeFrame(segment, at, header.salt);
    if (frame === undefined) break;
    if (frame.entries.length === 0) return { generation: header.generation, entries, sealed: true };
    // Not spread into `push`: a frame may hold more entries than a call may have arguments.
    for (const entry of frame.entries) entries.push(entry);
    at = frame.end;
  }
  refuseHiddenFrames(file, segment, { at, salt: header.salt });
  return { generation: header.generation, entries, sealed: false };
}

/** Every frame begins with the salt, which nothing else in the file can be expected to hold. */
function refuseHiddenFrames(
  file: string,
  segment: Buffer,
  from: { readonly at: number; readonly salt: number },
): void {
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(from.salt);
  let at = segment.indexOf(mark, from.at + 1);
  for (; at !== -1; at = segment.indexOf(mark, at + 1)) {
    if (decodeFrame(segment, at, from.salt) === undefined) continue;
    throw new StoreFailure("corrupt", `${file}: damaged at offset ${from.at}, data follows`);
  }
}
