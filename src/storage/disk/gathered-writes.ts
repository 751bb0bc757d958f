import type { FileHandle } from "node:fs/promises";
import { freeBytes } from "../../bytes/free-bytes.ts";
import { SyncAhead } from "./sync-ahead.ts";

/** Bytes gathered before they are written, so that small chunks do not cost a call each. */
const writeBytes = 1024 * 1024;

/**
 * Writes chunks to a new file in large pieces, one while the next is gathered, and syncs some of
 * them ahead. The chunks are copied; the two buffers are freed at the end, because many uploads
 * one after the other would otherwise leave two megabytes each to the garbage collector.
 */
export class GatheredWrites {
  readonly #handle: FileHandle;
  readonly #ahead: SyncAhead;
  #buffer: Buffer = Buffer.allocUnsafe(writeBytes);
  #spare: Buffer | undefined;
  #filled = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.#handle = handle;
    this.#ahead = new SyncAhead(handle);
  }

  /** Resolves when the next chunk may come. @throws what a write before failed with */
  async add(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const take = Math.min(chunk.length - at, writeBytes - this.#filled);
      this.#buffer.set(chunk.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled === writeBytes) await this.#flush();
    }
  }

  /** Writes the rest. A failed sync is told of here, once: the last one would succeed after it. */
  async end(): Promise<void> {
    if (this.#filled > 0) await this.#flush();
    await this.#writing;
    await this.#ahead.over();
  }

  /** Frees the buffers, however it ended. Never rejects. */
  async free(): Promise<void> {
    // A write in progress still reads from one of them.
    await this.#writing.catch(() => {});
    freeBytes(this.#buffer);
    if (this.#spare !== undefined) freeBytes(this.#spare);
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const full = this.#buffer;
    this.#writing = this.#write(full.subarray(0, this.#filled));
    // Rejection is seen at the next await of `writing`; this only keeps it from being unhandled.
    this.#writing.catch(() => {});
    this.#buffer = this.#spare ?? Buffer.allocUnsafe(writeBytes);
    this.#spare = full;
    this.#filled = 0;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at);
      at += bytesWritten;
    }
    this.#ahead.wrote(bytes.length);
  }
}
