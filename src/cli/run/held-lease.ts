/** Getting the leases that the command runs under, and giving them up when they are not used. */
import { failure } from "../../api/errors.ts";
import type { AcquireRequest, Lockd } from "../../api/lockd.ts";
import { abortLater } from "./abort-later.ts";
import type { JudgeParts } from "./lease-judge.ts";
import { type GrantedLease, LeaseSet, saysLost } from "./lease-set.ts";
import { type Hold, type LeaseTiming, runTtlSecondsMin } from "./lease-timing.ts";

/** Part of the lease time that a wait may take before the lease is renewed to count from later. */
const staleShare = 0.1;

export interface LeaseParts extends JudgeParts {
  readonly lockd: Lockd;
  /** In the order in which everybody takes them; several are of one transaction. */
  readonly acquires: readonly AcquireRequest[];
  readonly timing: LeaseTiming;
  /** Limit of the release of leases that were never used. */
  readonly closeTimeoutMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

export interface HeldLease {
  readonly leases: LeaseSet;
  /** With the lease time that was granted, which may be less than what was asked for. */
  readonly timing: LeaseTiming;
  readonly hold: Hold;
}

/**
 * Waits for the leases, one after the other. When anything fails, those granted are released again.
 * @throws what acquire and keepAlive throw, the signal's reason, self_fenced
 */
export async function heldLease(parts: LeaseParts): Promise<HeldLease> {
  const { signal } = parts;
  const granted: GrantedLease[] = [];
  try {
    await takeAll(parts, granted);
    signal.throwIfAborted();
    const leases = new LeaseSet(parts, granted);
    const staleMs = parts.timing.ttlSeconds * 1000 * staleShare;
    const { timing, hold } = await leases.firstHold(parts.timing, { staleMs, signal });
    if (timing.ttlSeconds < runTtlSecondsMin) throw tooShort(timing, parts.timing);
    return { leases, timing, hold };
  } catch (error) {
    if (granted.length > 0) await new LeaseSet(parts, granted).giveUp(parts.closeTimeoutMs);
    throw error;
  }
}

/** The wait asked for is that for all keys together. */
async function takeAll(parts: LeaseParts, granted: GrantedLease[]): Promise<void> {
  const { lockd, signal, clock } = parts;
  const startedAt = clock.nowMs();
  for (const acquire of parts.acquires) {
    const sentAt = clock.nowMs();
    const keeping = new Keeping(parts, granted);
    try {
      const both = AbortSignal.any([abortLater(signal), keeping.lost]);
      const blockSeconds = leftOf(acquire.blockSeconds ?? 0, sentAt - startedAt);
      granted.push({
        sentAt,
        lease: await lockd.acquire({ ...acquire, blockSeconds }, { signal: both }),
      });
    } finally {
      keeping.stop();
    }
    signal.throwIfAborted();
  }
}

function leftOf(blockSeconds: number, waitedMs: number): number {
  if (blockSeconds <= 0) return blockSeconds;
  const left = Math.ceil(blockSeconds - waitedMs / 1000);
  return left > 0 ? left : -1;
}

/** Keeps what is granted alive while another key is waited for. */
class Keeping {
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LeaseParts, granted: readonly GrantedLease[]) {
    if (granted.length === 0) return;
    const leases = new LeaseSet(parts, granted);
    const everyMs = (parts.timing.ttlSeconds * 1000) / 3;
    this.#timer = setInterval(() => {
      leases
        .renew(parts.timing, AbortSignal.timeout(Math.ceil(everyMs)))
        .catch((error: unknown) => {
          // Whatever else it is may pass; whether it did is seen before the command is started.
          if (saysLost(error)) this.#lost.abort(error);
        });
    }, everyMs);
  }

  /** Aborts when one of them is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function tooShort(granted: LeaseTiming, asked: LeaseTiming): Error {
  return failure(
    "self_fenced",
    `the server's lease lasts ${granted.ttlSeconds}s, not ${asked.ttlSeconds}s, which leaves ` +
      "no room to renew it (see its max-ttl, and compare the clocks)",
  );
}
