/**
 * When a lease that we hold may be over, seen from our side. All in milliseconds of a clock that
 * never jumps, counted from *before* the request that granted or renewed the lease was sent:
 * whatever happened on the way, the lease cannot have ended earlier than that.
 */

/** The lease's whole-second expiry takes up to a second off its time (http-core.md 8.1). */
const wholeSecondMs = 1_000;

/** Part of the lease time by which the two clocks may run apart. */
const clockRateShare = 0.02;

/** Milliseconds for a SIGKILL to take effect and for timers that fire late. */
const killMarginMs = 250;

/** Milliseconds between SIGTERM and SIGKILL at most, and their share of the lease time. */
const termGraceMsMax = 5_000;
const termGraceShare = 0.25;

/** Seconds. Below this there is no room left for a renewal that fails once. */
export const runTtlSecondsMin = 3;

export interface LeaseTiming {
  readonly ttlSeconds: number;
  /** Milliseconds the child gets between SIGTERM and SIGKILL. */
  readonly termGraceMs: number;
}

export function leaseTiming(ttlSeconds: number, termGraceMs: number | undefined): LeaseTiming {
  const usual = Math.min(termGraceMsMax, ttlSeconds * 1000 * termGraceShare);
  const longest = usableMs(ttlSeconds) / 2;
  return { ttlSeconds, termGraceMs: Math.min(termGraceMs ?? usual, longest) };
}

/** How long after sending we may rely on the lease. */
function usableMs(ttlSeconds: number): number {
  const ttlMs = ttlSeconds * 1000;
  return ttlMs - wholeSecondMs - ttlMs * clockRateShare - killMarginMs;
}

/** The child must be dead by then: SIGKILL is sent at this time. */
export function killAt(sentAt: number, timing: LeaseTiming): number {
  return sentAt + usableMs(timing.ttlSeconds);
}

/** The child is asked to stop at this time. */
export function termAt(sentAt: number, timing: LeaseTiming): number {
  return killAt(sentAt, timing) - timing.termGraceMs;
}

/** The next renewal; early enough for several failures in a row. */
export function renewAt(sentAt: number, timing: LeaseTiming): number {
  return sentAt + Math.floor(usableMs(timing.ttlSeconds) / 3);
}

/** Pause after a renewal that failed for a passing reason. */
export function renewRetryMs(timing: LeaseTiming): number {
  return Math.min(1_000, (timing.ttlSeconds * 1000) / 15);
}
