/** A journal segment being written: preallocated, so that a sync has no metadata to write. */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, unlink } from "node:fs/promises";
import path from "node:path";
import { syncDirectory } from "../content-files.ts";
import { storeFailureOf } from "../sqlite-failure.ts";
import { encodeSegmentHeader, frameHeaderBytes, segmentHeaderBytes } from "./frame.ts";
import { journalDirectory, segmentPath } from "./read-segment.ts";

/** Bytes of a segment: large enough to coalesce hot keys, small enough to replay in a blink. */
export const segmentBytes = 8 * 1024 * 1024;

/** Bytes of the largest frame; a larger plan is a mistake of the engine: records are bounded. */
export const frameBytesLimit = segmentBytes - segmentHeaderBytes - 2 * frameHeaderBytes;

/** Files kept for use again instead of being filled with zeros anew. */
const freeFilesMax = 2;

const zeros = Buffer.alloc(1024 * 1024);

export class SegmentFile {
  readonly path: string;
  readonly salt: number;
  readonly generation: number;
  readonly #handle: FileHandle;
  #at = segmentHeaderBytes;

  private constructor(parts: {
    readonly path: string;
    readonly salt: number;
    readonly generation: number;
    readonly handle: FileHandle;
  }) {
    this.path = parts.path;
    this.salt = parts.salt;
    this.generation = parts.generation;
    this.#handle = parts.handle;
  }

  /**
   * Makes a segment ready for writing: durable, zeroed or used before, under its final name.
   * @throws StoreFailure "full" and others; nothing is left behind then
   */
  static async prepare(options: {
    readonly directory: string;
    readonly generation: number;
    readonly salt: number;
  }): Promise<SegmentFile> {
    const { directory, generation, salt } = options;
    const place = journalDirectory(directory);
    const target = segmentPath(directory, generation);
    const fresh = path.join(place, `new-${generation}`);
    try {
      const created = await mkdir(place, { recursive: true, mode: 0o700 });
      if (created !== undefined) await syncDirectory(directory);
      if (!(await takeFreeFile(place, fresh))) await fillWithZeros(fresh);
      const handle = await open(fresh, constants.O_RDWR | constants.O_DSYNC);
      try {
        await handle.write(encodeSegmentHeader({ generation, salt }), 0, segmentHeaderBytes, 0);
        await rename(fresh, target);
        await syncDirectory(place);
      } catch (error) {
        await handle.close();
        throw error;
      }
      return new SegmentFile({ path: target, salt, generation, handle });
    } catch (error) {
      await rm(fresh, { force: true });
      throw storeFailureOf(error, place);
    }
  }

  /** True when a frame of this many bytes fits, with a seal behind it. */
  fits(frameBytes: number): boolean {
    return this.#at + frameBytes + frameHeaderBytes <= segmentBytes;
  }

  get usedBytes(): number {
    return this.#at;
  }

  /** Writes and syncs one frame (the file is opened O_DSYNC: one trip through the thread pool). */
  async append(frame: Uint8Array): Promise<void> {
    for (let from = 0; from < frame.length; ) {
      const left = frame.length - from;
      const { bytesWritten } = await this.#handle.write(frame, from, left, this.#at + from);
      from += bytesWritten;
    }
    this.#at += frame.length;
  }

  /** Makes sure that a frame whose write failed is never read back. */
  async erase(): Promise<void> {
    await this.#handle.write(zeros, 0, frameHeaderBytes, this.#at);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function fillWithZeros(file: string): Promise<void> {
  const handle = await open(file, "w", 0o600);
  try {
    for (let at = 0; at < segmentBytes; ) {
      const length = Math.min(zeros.length, segmentBytes - at);
      const { bytesWritten } = await handle.write(zeros, 0, length, at);
      at += bytesWritten;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function takeFreeFile(place: string, target: string): Promise<boolean> {
  const free = (await readdir(place)).find((name) => name.startsWith("free-"));
  if (free === undefined) return false;
  await rename(path.join(place, free), target);
  return true;
}

/** Takes a moved segment out of the journal, keeping the file for use again when it may be. */
export async function retire(file: string, generation: number): Promise<void> {
  const place = path.dirname(file);
  try {
    const kept = (await readdir(place)).filter((name) => name.startsWith("free-")).length;
    if (kept < freeFilesMax) await rename(file, path.join(place, `free-${generation}`));
    else await unlink(file);
    await syncDirectory(place);
  } catch (error) {
    throw storeFailureOf(error, place);
  }
}
