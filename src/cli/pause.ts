import { setTimeout as sleep } from "node:timers/promises";

/** Waits; false when `signal` aborted meanwhile. */
export async function pauseOrAbort(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
