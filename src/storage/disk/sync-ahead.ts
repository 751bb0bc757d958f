import type { FileHandle } from "node:fs/promises";

/** Bytes written before a sync begins behind the writer's back: the last one finds little to do. */
const syncAheadBytes = 4 * 1024 * 1024;

/** Syncs a file now and then while it is being written, one sync at a time. */
export class SyncAhead {
  readonly #handle: FileHandle;
  #bytes = 0;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  wrote(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < syncAheadBytes || this.#running !== undefined) return;
    this.#bytes = 0;
    this.#running = this.#handle.datasync().then(
      () => {
        this.#running = undefined;
      },
      (error: unknown) => {
        this.#failure = { error };
      },
    );
  }

  /** Resolves when none is running. @throws what a sync failed with */
  async over(): Promise<void> {
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
