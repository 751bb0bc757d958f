/** The leases of one run: renewed together, and relied on as long as the first of them to end. */
import { failure, LockdError } from "../../api/errors.ts";
import type { AcquireResult, LeaseAddress, Lockd } from "../../api/lockd.ts";
import { type JudgeParts, type LeaseAnswer, LeaseJudge } from "./lease-judge.ts";
import type { Hold, LeaseTiming } from "./lease-timing.ts";

const lostCodes = new Set(["lease_required", "lease_expired", "fencing_mismatch", "txn_mismatch"]);

/** True when a renewal says that the lease is gone, not only that it failed. */
export function saysLost(error: unknown): boolean {
  return error instanceof LockdError && lostCodes.has(error.code);
}

export interface GrantedLease {
  readonly lease: AcquireResult;
  /** Reading of the lease clock from before the request was sent. */
  readonly sentAt: number;
}

interface Member {
  readonly address: LeaseAddress;
  readonly granted: GrantedLease;
  readonly judge: LeaseJudge;
}

export class LeaseSet {
  readonly #lockd: Lockd;
  readonly #clock: JudgeParts["clock"];
  readonly #members: readonly Member[];

  constructor(parts: JudgeParts & { readonly lockd: Lockd }, granted: readonly GrantedLease[]) {
    this.#lockd = parts.lockd;
    this.#clock = parts.clock;
    this.#members = granted.map((one) => {
      const { leaseId, namespace, key } = one.lease;
      const judge = new LeaseJudge(parts, { namespace, key, leaseId });
      return { address: addressOf(one.lease), granted: one, judge };
    });
  }

  get leases(): readonly AcquireResult[] {
    return this.#members.map(({ granted }) => granted.lease);
  }

  /** The keys, for messages. */
  get names(): string {
    return this.leases.map(({ key }) => key).join(", ");
  }

  /**
   * What was really granted, and how long it can be relied on. A wait can be long: a lease granted
   * more than `staleMs` ago is renewed first, so that the moment before that counts.
   * @throws what keepAlive throws
   */
  async firstHold(
    asked: LeaseTiming,
    { staleMs, signal }: { readonly staleMs: number; readonly signal: AbortSignal },
  ): Promise<{ readonly timing: LeaseTiming; readonly hold: Hold }> {
    const answers: { readonly member: Member; readonly answer: LeaseAnswer }[] = [];
    let timing = asked;
    for (const member of this.#members) {
      const answer = await this.#freshAnswer(member, asked, { staleMs, signal });
      const own = await member.judge.timingOf(asked, answer);
      if (own.ttlSeconds < timing.ttlSeconds) timing = own;
      answers.push({ member, answer });
    }
    const holds = answers.map(({ member, answer }) => member.judge.holdAfter(timing, answer));
    return { timing, hold: earliest(await Promise.all(holds)) };
  }

  /** Renews all; one that fails fails all. @throws a failure that is final before a passing one */
  async renew(timing: LeaseTiming, signal: AbortSignal): Promise<Hold> {
    const renewals = this.#members.map(async ({ address, judge }) => {
      const answer = await this.#renewed(address, timing, signal);
      return await judge.holdAfter(timing, answer);
    });
    const results = await Promise.allSettled(renewals);
    const failures = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason] : [],
    );
    if (failures.length > 0) throw failures.find(saysLost) ?? failures[0];
    return earliest(await Promise.all(renewals));
  }

  /**
   * Commits what was staged under all of them and ends them.
   * @throws txn_conflict when it was rolled back before
   */
  async commit(signal: AbortSignal): Promise<void> {
    const [only] = this.#members;
    if (this.#members.length === 1 && only !== undefined) {
      await this.#lockd.release({ ...only.address, rollback: false }, { signal });
      return;
    }
    const state = await this.#decide("commit", signal);
    if (state === "commit") return;
    throw failure("txn_conflict", `the transaction of ${this.names} is decided: ${state}`);
  }

  /** Ends them without committing anything; undefined, or why it failed: then they run out. */
  async giveUp(msMax: number): Promise<unknown | undefined> {
    const signal = AbortSignal.timeout(msMax);
    try {
      const [only] = this.#members;
      if (this.#members.length === 1 && only !== undefined) {
        await this.#lockd.release({ ...only.address, rollback: true }, { signal });
      } else await this.#decide("rollback", signal);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #decide(state: "commit" | "rollback", signal: AbortSignal): Promise<string> {
    const participants = this.leases.map(({ namespace, key }) => ({ namespace, key }));
    const txnId = this.leases[0]?.txnId;
    const request = { txnId, state, participants };
    return (await this.#lockd.transactions.decide(request, { signal })).state;
  }

  async #freshAnswer(
    { address, granted }: Member,
    timing: LeaseTiming,
    { staleMs, signal }: { readonly staleMs: number; readonly signal: AbortSignal },
  ): Promise<LeaseAnswer> {
    const { sentAt, lease } = granted;
    if (this.#clock.nowMs() - sentAt <= staleMs) {
      return { sentAt, expiresAtUnix: lease.expiresAtUnix };
    }
    return await this.#renewed(address, timing, signal);
  }

  async #renewed(
    address: LeaseAddress,
    { ttlSeconds }: LeaseTiming,
    signal: AbortSignal,
  ): Promise<LeaseAnswer> {
    const sentAt = this.#clock.nowMs();
    const { expiresAtUnix } = await this.#lockd.keepAlive({ ...address, ttlSeconds }, { signal });
    return { sentAt, expiresAtUnix };
  }
}

function addressOf({ leaseId, txnId, fencingToken, namespace, key }: AcquireResult): LeaseAddress {
  return { leaseId, txnId, fencingToken, namespace, key };
}

function earliest(holds: readonly Hold[]): Hold {
  return {
    sentAt: Math.min(...holds.map(({ sentAt }) => sentAt)),
    sureUntil: Math.min(...holds.map(({ sureUntil }) => sureUntil)),
  };
}
