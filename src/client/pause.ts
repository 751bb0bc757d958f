import type { ClientClock } from "./client-ports.ts";
import { timerMsMax } from "./limits.ts";

/**
 * Waits `delayMs`; rejects with the signal's reason as soon as it aborts. Unlike a bare scheduled
 * call it keeps the process alive: a caller that waits for a lease has nothing else that would.
 */
export function pause(
  clock: ClientClock,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const awake = setInterval(() => {}, timerMsMax);
    const finish = (): void => {
      clearInterval(awake);
      scheduled.cancel();
      signal?.removeEventListener("abort", aborted);
    };
    const aborted = (): void => {
      finish();
      reject(signal?.reason);
    };
    const scheduled = clock.schedule(delayMs, () => {
      finish();
      resolve();
    });
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
