import { setTimeout as sleep } from "node:timers/promises";
import { StoreFailure } from "../../engine/ports/store.ts";

/** Milliseconds a database may be found busy before a call is given up. */
export const busyMsMax = 10_000;

/** Milliseconds between two tries on a busy database: from, to, with jitter. */
const busyPauseMsMin = 1;
const busyPauseMsMax = 40;

/**
 * Repeats what found the database busy. SQLite itself would sleep in the event loop, and some of
 * its locks (the switch to WAL, the last close) it does not wait for at all.
 *
 * `mayRepeat` decides about other failures; it is told for how long there have been tries.
 */
export async function whenFree<T>(
  run: () => T | Promise<T>,
  mayRepeat: (failure: StoreFailure, elapsedMs: number) => boolean | Promise<boolean> = () => false,
): Promise<T> {
  const startedAt = performance.now();
  for (let pauseMs = busyPauseMsMin; ; pauseMs = Math.min(pauseMs * 2, busyPauseMsMax)) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      const elapsedMs = performance.now() - startedAt;
      const busy = error.kind === "unavailable" && elapsedMs < busyMsMax;
      if (!busy && !(await mayRepeat(error, elapsedMs))) throw error;
    }
    await sleep(pauseMs * (0.5 + Math.random() / 2));
  }
}
