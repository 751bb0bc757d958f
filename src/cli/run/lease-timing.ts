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

/** Milliseconds between SIGTERM and SIGKILL when the lease is gone already: others may hold it. */
const lossGraceMsMax = 1_000;

/** When a lease is renewed: after this part of its time, early enough for several failures. */
const renewShareDefault = 1 / 3;

/** Seconds. Below this there is no room left for a renewal that fails once. */
export const runTtlSecondsMin = 3;

export interface LeaseTiming {
  readonly ttlSeconds: number;
  /** Milliseconds the child gets between SIGTERM and SIGKILL. */
  readonly termGraceMs: number;
  /** Part of the time we may rely on after which the lease is renewed. */
  readonly renewShare: number;
}

/** A lease as we may rely on it. */
export interface Hold {
  /** From before the last successful request for it was sent. */
  readonly sentAt: number;
  /** Until then nobody else can be granted the key. */
  readonly sureUntil: number;
}

export function leaseTiming(
  ttlSeconds: number,
  termGraceMs: number | undefined,
  renewShare = renewShareDefault,
): LeaseTiming {
  const usual = Math.min(termGraceMsMax, ttlSeconds * 1000 * termGraceShare);
  const longest = (sureMs(ttlSeconds) - killMarginMs) / 2;
  return { ttlSeconds, termGraceMs: Math.min(termGraceMs ?? usual, longest), renewShare };
}

/** How long after sending we may rely on a lease of so many seconds. */
function sureMs(ttlSeconds: number): number {
  const ttlMs = ttlSeconds * 1000;
  return ttlMs - wholeSecondMs - ttlMs * clockRateShare;
}

/**
 * The lease that a request sent at `sentAt` was answered with; `endsAt` when the answer itself says
 * that it ends earlier than its time.
 */
export function heldSince(sentAt: number, timing: LeaseTiming, endsAt = Infinity): Hold {
  return { sentAt, sureUntil: Math.min(sentAt + sureMs(timing.ttlSeconds), endsAt) };
}

/** The child must be dead by `sureUntil`: SIGKILL is sent at this time. */
export function killAt(hold: Hold): number {
  return hold.sureUntil - killMarginMs;
}

/** The child is asked to stop at this time. */
export function termAt(hold: Hold, timing: LeaseTiming): number {
  return killAt(hold) - timing.termGraceMs;
}

/** The next renewal. */
export function renewAt(hold: Hold, { renewShare }: LeaseTiming): number {
  return hold.sentAt + Math.floor(Math.max(0, killAt(hold) - hold.sentAt) * renewShare);
}

/** Pause after a renewal that failed for a passing reason. */
export function renewRetryMs(timing: LeaseTiming): number {
  return Math.min(1_000, (timing.ttlSeconds * 1000) / 15);
}

/** Milliseconds between SIGTERM and SIGKILL when the lease is known to be gone. */
export function lossGraceMs(timing: LeaseTiming): number {
  return Math.min(lossGraceMsMax, timing.termGraceMs);
}
