import { LockdApiError, LockdTransportError } from "../../api/errors.ts";
import { pauseOrAbort } from "../pause.ts";

/** Milliseconds: first pause, longest pause, and all tries together (cli.md section 10). */
const pauseMsMin = 100;
const pauseMsMax = 1_000;
const persistMsMax = 10_000;

/** Sends a decision again while that can help; it is idempotent. */
export async function persist<T>(decide: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const endMs = performance.now() + persistMsMax;
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    try {
      return await decide();
    } catch (error) {
      const late = performance.now() + pauseMs > endMs;
      if (late || !isPassing(error) || !(await pauseOrAbort(pauseMs, signal))) throw error;
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof LockdTransportError) return !error.fatal;
  if (!(error instanceof LockdApiError)) return false;
  return error.status === 503 || error.code === "tc_not_leader";
}
