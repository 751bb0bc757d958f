/** How long a lease that was just granted or renewed can be relied on. */
import { LockdError } from "../../api/errors.ts";
import type { KeyAddress, Lockd } from "../../api/lockd.ts";
import type { LeaseClock } from "./lease-clock.ts";
import { type Hold, heldSince, type LeaseTiming, leaseTiming } from "./lease-timing.ts";

/** Milliseconds by which whole-second expiry alone can make two leases differ. */
const wholeSecondMs = 1_000;

/** Part of the time between two answers by which the clocks may have run apart. */
const clockRateShare = 0.02;

/** Milliseconds that asking for the time left may take: it is asked while a lease runs down. */
const askMsMax = 1_000;

export interface JudgeParts {
  readonly lockd: Pick<Lockd, "status">;
  readonly clock: LeaseClock;
  readonly wallMs: () => number;
  /**
   * True while each process judges leases by this machine's wall clock, as no server does it for
   * all: then what that clock says of a lease's end counts, whatever time was asked for.
   */
  readonly sharedWall: () => boolean;
}

export interface LeaseAnswer {
  /** From before the request was sent. */
  readonly sentAt: number;
  readonly expiresAtUnix: number;
}

/** The lease of which is spoken. */
export interface JudgedLease extends KeyAddress {
  readonly leaseId: string;
}

interface SeenAnswer extends LeaseAnswer {
  readonly answeredAt: number;
}

export class LeaseJudge {
  readonly #parts: JudgeParts;
  readonly #lease: JudgedLease;
  #last: SeenAnswer | undefined;

  constructor(parts: JudgeParts, lease: JudgedLease) {
    this.#parts = parts;
    this.#lease = lease;
  }

  /**
   * The lease time that was really granted. A server clamps it to its `max-ttl` without saying so,
   * and its wall clock need not be ours: so it is asked how much time is left. One that cannot tell
   * is judged by our wall clock.
   */
  async timingOf(asked: LeaseTiming, answer: LeaseAnswer): Promise<LeaseTiming> {
    const { clock, wallMs, sharedWall } = this.#parts;
    if (sharedWall()) return asked;
    const answeredAt = clock.nowMs();
    const seemsMs = answer.expiresAtUnix * 1000 - wallMs();
    const endsAt = await this.#endsAt();
    const leftMs = endsAt === undefined ? seemsMs : endsAt - answeredAt;
    const ttlSeconds = Math.min(asked.ttlSeconds, Math.max(0, Math.ceil(leftMs / 1000)));
    return ttlSeconds === asked.ttlSeconds
      ? asked
      : leaseTiming(ttlSeconds, asked.termGraceMs, asked.renewShare);
  }

  /** To be called at once when an answer has come. */
  async holdAfter(timing: LeaseTiming, answer: LeaseAnswer): Promise<Hold> {
    const { clock, wallMs, sharedWall } = this.#parts;
    const { sentAt, expiresAtUnix } = answer;
    const answeredAt = clock.nowMs();
    const endsByWall = answeredAt + expiresAtUnix * 1000 - wallMs();
    const last = this.#last;
    this.#last = { sentAt, expiresAtUnix, answeredAt };
    if (sharedWall()) return heldSince(sentAt, timing, endsByWall);
    if (last === undefined || !hasShrunk(last, answer)) return heldSince(sentAt, timing);
    return heldSince(sentAt, timing, (await this.#endsAt()) ?? endsByWall);
  }

  /** When the lease ends, as the side that judges it says; undefined when it does not say. */
  async #endsAt(): Promise<number | undefined> {
    const { lockd, clock } = this.#parts;
    const { namespace, key, leaseId } = this.#lease;
    // The time left is measured after this: the lease ends no earlier than counted from here.
    const askedAt = clock.nowMs();
    try {
      const signal = AbortSignal.timeout(askMsMax);
      const status = await lockd.status({ namespace, key }, { signal });
      return status.leaseId === leaseId ? askedAt + (status.remainingMs ?? 0) : askedAt;
    } catch (error) {
      if (error instanceof LockdError || isTimeout(error)) return undefined;
      throw error;
    }
  }
}

/** True when a renewal moved the lease's end by less than the time that has passed. */
function hasShrunk(last: SeenAnswer, { sentAt, expiresAtUnix }: LeaseAnswer): boolean {
  const passedMs = Math.max(0, sentAt - last.answeredAt);
  const movedMs = (expiresAtUnix - last.expiresAtUnix) * 1000;
  return movedMs < passedMs * (1 - clockRateShare) - wholeSecondMs;
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
