/** Getting the lease that the command runs under, and giving it up when it is not used. */
import { failure } from "../../api/errors.ts";
import type { AcquireRequest, AcquireResult, LeaseAddress, Lockd } from "../../api/lockd.ts";
import { abortLater } from "./abort-later.ts";
import { type JudgeParts, type LeaseAnswer, LeaseJudge } from "./lease-judge.ts";
import { type Hold, type LeaseTiming, runTtlSecondsMin } from "./lease-timing.ts";

/** Part of the lease time that a wait may take before the lease is renewed to count from later. */
const staleShare = 0.1;

export interface LeaseParts extends JudgeParts {
  readonly lockd: Lockd;
  readonly acquire: AcquireRequest;
  readonly timing: LeaseTiming;
  /** Limit of the release of a lease that was never used. */
  readonly closeTimeoutMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

export interface HeldLease {
  readonly lease: AcquireResult;
  readonly address: LeaseAddress;
  readonly judge: LeaseJudge;
  /** With the lease time that was granted, which may be less than what was asked for. */
  readonly timing: LeaseTiming;
  readonly hold: Hold;
}

/**
 * Waits for the lease. When anything fails after it was granted it is released again.
 * @throws what acquire and keepAlive throw, the signal's reason, self_fenced
 */
export async function heldLease(parts: LeaseParts): Promise<HeldLease> {
  const { lockd, signal, clock } = parts;
  const sentAt = clock.nowMs();
  const lease = await lockd.acquire(parts.acquire, { signal: abortLater(signal) });
  const { leaseId, txnId, fencingToken, namespace, key, expiresAtUnix } = lease;
  const address = { leaseId, txnId, fencingToken, namespace, key };
  try {
    signal.throwIfAborted();
    const answer = await freshAnswer(parts, address, { sentAt, expiresAtUnix });
    const judge = new LeaseJudge(parts, { namespace, key, leaseId });
    const timing = await judge.timingOf(parts.timing, answer);
    if (timing.ttlSeconds < runTtlSecondsMin) throw tooShort(timing, parts.timing);
    const hold = await judge.holdAfter(timing, answer);
    return { lease, address, judge, timing, hold };
  } catch (error) {
    await giveUp(lockd, address, parts.closeTimeoutMs);
    throw error;
  }
}

/**
 * Ends a lease without committing anything. Undefined, or why it failed: then it runs out instead.
 */
export async function giveUp(
  lockd: Lockd,
  address: LeaseAddress,
  msMax: number,
): Promise<unknown | undefined> {
  try {
    await lockd.release({ ...address, rollback: true }, { signal: AbortSignal.timeout(msMax) });
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * A moment that is surely before the lease was granted. A wait can be long, so after one the lease
 * is renewed: the moment before that counts then.
 */
async function freshAnswer(
  { lockd, signal, timing, clock }: LeaseParts,
  address: LeaseAddress,
  granted: LeaseAnswer,
): Promise<LeaseAnswer> {
  const sentAt = clock.nowMs();
  if (sentAt - granted.sentAt <= timing.ttlSeconds * 1000 * staleShare) return granted;
  const request = { ...address, ttlSeconds: timing.ttlSeconds };
  const { expiresAtUnix } = await lockd.keepAlive(request, { signal });
  return { sentAt, expiresAtUnix };
}

function tooShort(granted: LeaseTiming, asked: LeaseTiming): Error {
  return failure(
    "self_fenced",
    `the server's lease lasts ${granted.ttlSeconds}s, not ${asked.ttlSeconds}s, which leaves ` +
      "no room to renew it (see its max-ttl, and compare the clocks)",
  );
}
