/** How long leases were given for: as the server says, else by what is seen of them. */
import type { LeaseRow, Look } from "../source/dashboard-source.ts";

export interface LeaseSpan {
  /** From grant or renewal to the end, as far as can be told. */
  readonly wholeMs: number;
  /** By the answering side's clock. */
  readonly endsAtMs: number;
  /** Its end was seen to move out. */
  readonly isRenewed: boolean;
}

/** No server gives a lease for longer unless told to: one that is older has been renewed. */
const unrenewedMsMax = 30 * 60 * 1000;

/** Less than this an end moves by rounding. */
const jitterMs = 500;

/** The leases of a look, with what was known of them before. */
export function leaseSpans(
  before: ReadonlyMap<string, LeaseSpan>,
  look: Look,
): ReadonlyMap<string, LeaseSpan> {
  return new Map(
    look.leases.map((lease) => [
      lease.leaseId,
      leaseSpan(before.get(lease.leaseId), lease, look.nowUnixMs),
    ]),
  );
}

function leaseSpan(before: LeaseSpan | undefined, lease: LeaseRow, nowMs: number): LeaseSpan {
  const { remainingMs, acquiredAtUnix, ttlMs = 0 } = lease;
  const endsAtMs = nowMs + remainingMs;
  // Whole seconds on the record: more may be left of a lease than it was given for.
  if (ttlMs > 0) return { wholeMs: Math.max(ttlMs, remainingMs), endsAtMs, isRenewed: true };
  if (before === undefined) {
    const sinceGrant = endsAtMs - acquiredAtUnix * 1000;
    const wholeMs = sinceGrant > unrenewedMsMax ? remainingMs : Math.max(remainingMs, sinceGrant);
    return { wholeMs, endsAtMs, isRenewed: false };
  }
  if (endsAtMs - before.endsAtMs <= jitterMs) return { ...before, endsAtMs };
  // The first renewal replaces the guess; of later ones the longest rest comes closest.
  const wholeMs = before.isRenewed ? Math.max(before.wholeMs, remainingMs) : remainingMs;
  return { wholeMs, endsAtMs, isRenewed: true };
}
