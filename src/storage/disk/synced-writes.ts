/** What a durable write costs without lockd: the yardstick of `doctor` and `bench`. */
import { randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import path from "node:path";

export interface SyncedWritesOptions {
  readonly directory: string;
  readonly bytes: number;
  /** Whichever comes first. */
  readonly writesMax: number;
  readonly msMax: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Appends and syncs one write after the other to a file of its own, which is removed again.
 * @returns milliseconds of each
 */
export async function syncedWrites(options: SyncedWritesOptions): Promise<number[]> {
  const { directory, bytes, writesMax, msMax, signal } = options;
  const file = path.join(directory, `.lockd-sync-${randomUUID()}`);
  const handle = await open(file, "wx", 0o600);
  try {
    const block = Buffer.alloc(bytes, "s");
    const times: number[] = [];
    const endsAt = performance.now() + msMax;
    while (times.length < writesMax && performance.now() < endsAt && signal?.aborted !== true) {
      const startedAt = performance.now();
      await handle.write(block);
      await handle.datasync();
      times.push(performance.now() - startedAt);
    }
    return times;
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}
