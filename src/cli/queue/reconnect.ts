/** Going on after a connection that broke or a server that is away (cli.md 9.2). */
import { exitCodes } from "../../api/error-registry.ts";
import { LockdApiError, LockdError } from "../../api/errors.ts";
import { exitCodeOf } from "../failure-report.ts";

/** Milliseconds: the first pause, doubled after each failure in a row, up to the longest. */
const pauseMsFirst = 250;
const pauseMsMax = 30_000;

const passingExits: ReadonlySet<number> = new Set([
  exitCodes.unavailable,
  exitCodes.throttled,
  exitCodes.timeout,
]);

/** True when the same request may go better later: nothing is wrong with the request itself. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof LockdError)) return false;
  if (error instanceof LockdApiError && error.status >= 500 && error.status !== 501) return true;
  return passingExits.has(exitCodeOf(error)) || error.code === "cas_mismatch";
}

/** Pause after so many failures in a row; never shorter than what the server asks for. */
export function reconnectPauseMs(failures: number, error?: unknown): number {
  const own = Math.min(pauseMsMax, pauseMsFirst * 2 ** Math.min(failures, 30));
  const asked = error instanceof LockdApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(own, Math.min(pauseMsMax, asked));
}
