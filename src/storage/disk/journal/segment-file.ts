/** A journal segment being written: preallocated, so that a sync has no metadata to write. */
import path from "node:path";
import { codeOf, storeFailureOf } from "../sqlite-failure.ts";
import { encodeSegmentHeader, frameHeaderBytes, segmentHeaderBytes } from "./frame.ts";
import type { JournalFile, JournalFiles } from "./journal-files.ts";
import { journalDirectory, segmentPath } from "./read-segment.ts";

/** Bytes of a segment: large enough to coalesce hot keys, small enough to replay in a blink. */
export const segmentBytesDefault = 8 * 1024 * 1024;

/** Files kept for use again instead of being filled with zeros anew. */
const freeFilesMax = 2;

/** Bytes written at once while a new file is filled. */
const fillBytes = 1024 * 1024;

/** Where a journal is kept, and in pieces of what size. */
export interface JournalPlace {
  /** The store's directory; the segments are in a directory inside it. */
  readonly directory: string;
  readonly files: JournalFiles;
  readonly segmentBytes: number;
}

/** Bytes of the largest frame that fits into an empty segment, with a seal behind it. */
export function frameBytesLimit(place: JournalPlace): number {
  return place.segmentBytes - segmentHeaderBytes - 2 * frameHeaderBytes;
}

export class SegmentFile {
  readonly path: string;
  readonly salt: number;
  readonly generation: number;
  readonly #segmentBytes: number;
  readonly #file: JournalFile;
  #at = segmentHeaderBytes;

  private constructor(parts: {
    readonly path: string;
    readonly salt: number;
    readonly generation: number;
    readonly segmentBytes: number;
    readonly file: JournalFile;
  }) {
    this.path = parts.path;
    this.salt = parts.salt;
    this.generation = parts.generation;
    this.#segmentBytes = parts.segmentBytes;
    this.#file = parts.file;
  }

  /**
   * Makes a segment ready for writing: durable, zeroed or used before, under its final name.
   * @throws StoreFailure "full" and others; nothing is left behind then
   */
  static async prepare(
    place: JournalPlace,
    header: { readonly generation: number; readonly salt: number },
  ): Promise<SegmentFile> {
    const { files, directory, segmentBytes } = place;
    const journal = journalDirectory(directory);
    const target = segmentPath(directory, header.generation);
    const fresh = path.join(journal, `new-${header.generation}`);
    try {
      if (await files.makeDirectory(journal)) await files.syncDirectory(directory);
      if (!(await takeFreeFile(files, journal, fresh))) await fillWithZeros(place, fresh);
      const file = await files.openSynced(fresh);
      try {
        await writeAll(file, encodeSegmentHeader(header), 0);
        await files.rename(fresh, target);
        await files.syncDirectory(journal);
      } catch (error) {
        await file.close();
        throw error;
      }
      return new SegmentFile({ path: target, ...header, segmentBytes, file });
    } catch (error) {
      // What is left is overwritten by the next try, so failing to remove it changes nothing.
      await files.remove(fresh).catch(() => undefined);
      throw storeFailureOf(error, journal);
    }
  }

  /** True when a frame of this many bytes fits, with a seal behind it. */
  fits(frameBytes: number): boolean {
    return this.#at + frameBytes + frameHeaderBytes <= this.#segmentBytes;
  }

  get isHalfFull(): boolean {
    return this.#at > this.#segmentBytes / 2;
  }

  /** Writes and syncs one frame (the file is opened O_DSYNC: one trip through the thread pool). */
  async append(frame: Uint8Array): Promise<void> {
    await writeAll(this.#file, frame, this.#at);
    this.#at += frame.length;
  }

  /** Makes sure that a frame whose write failed is never read back. */
  async erase(): Promise<void> {
    await writeAll(this.#file, Buffer.alloc(frameHeaderBytes), this.#at);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function writeAll(file: JournalFile, bytes: Uint8Array, at: number): Promise<void> {
  for (let from = 0; from < bytes.length; ) from += await file.write(bytes, from, at + from);
}

async function fillWithZeros(place: JournalPlace, target: string): Promise<void> {
  const zeros = Buffer.alloc(Math.min(fillBytes, place.segmentBytes));
  const file = await place.files.create(target);
  try {
    for (let at = 0; at < place.segmentBytes; ) {
      const length = Math.min(zeros.length, place.segmentBytes - at);
      at += await file.write(zeros.subarray(0, length), 0, at);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function takeFreeFile(
  files: JournalFiles,
  journal: string,
  target: string,
): Promise<boolean> {
  const free = (await files.names(journal)).find((name) => name.startsWith("free-"));
  if (free === undefined) return false;
  await files.rename(path.join(journal, free), target);
  return true;
}

/**
 * Takes a moved segment out of the journal, keeping the file for use again when it may be. May be
 * repeated after a failure.
 */
export async function retire(
  files: JournalFiles,
  segment: { readonly path: string; readonly generation: number },
): Promise<void> {
  const journal = path.dirname(segment.path);
  try {
    const kept = (await files.names(journal)).filter((name) => name.startsWith("free-")).length;
    const free = path.join(journal, `free-${segment.generation}`);
    if (kept < freeFilesMax) await renameIfThere(files, segment.path, free);
    else await files.remove(segment.path);
    await files.syncDirectory(journal);
  } catch (error) {
    throw storeFailureOf(error, journal);
  }
}

async function renameIfThere(files: JournalFiles, from: string, to: string): Promise<void> {
  try {
    await files.rename(from, to);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
