/** A seeded client that appends its mark to the lists of several keys, in one transaction. */
import type { AcquireResult, LeaseAddress } from "../../../src/api/lockd.ts";
import type { TxnState } from "../../../src/api/transactions.ts";
import { Caller, type CallerParts, GaveUp } from "../caller.ts";

/** One transaction as its client saw it. */
export interface Attempt {
  readonly mark: string;
  readonly txnId: string;
  readonly keys: readonly string[];
  readonly beganAt: number;
  /** What each key showed before. */
  readonly read: Map<string, readonly string[]>;
  asked: TxnState | undefined;
  answered: TxnState | undefined;
  endedAt: number;
}

export interface TxnClientParts extends CallerParts {
  readonly keys: readonly string[];
  readonly attempts: Attempt[];
}

export class TxnClient {
  readonly #parts: TxnClientParts;
  readonly #caller: Caller;

  constructor(parts: TxnClientParts) {
    this.#parts = parts;
    this.#caller = new Caller(parts);
  }

  run(): Promise<void> {
    return this.#caller.rounds((at) => this.#session(at + 1));
  }

  async #session(round: number): Promise<void> {
    const { name, keys, rng, scheduler, attempts } = this.#parts;
    const txnId = this.#caller.nextTxnId();
    const count = rng.pick([1, 2, 2, 3]);
    const chosen = keys.filter(() => rng.chance(0.7)).slice(0, count);
    if (chosen.length === 0) return;
    const attempt: Attempt = {
      mark: `${name}-${round}`,
      txnId,
      keys: chosen,
      beganAt: scheduler.now,
      read: new Map(),
      asked: undefined,
      answered: undefined,
      endedAt: Number.POSITIVE_INFINITY,
    };
    attempts.push(attempt);
    const leases = await this.#stage(attempt);
    const [first] = leases;
    if (first === undefined || rng.chance(0.08)) return;
    await this.#decide(attempt, first, rng.chance(0.75) ? "commit" : "rollback");
  }

  async #stage(attempt: Attempt): Promise<readonly LeaseAddress[]> {
    const { rng, name } = this.#parts;
    const { txnId, mark } = attempt;
    const leases: LeaseAddress[] = [];
    const ttlSeconds = rng.pick([3, 6, 15, 40]);
    for (const key of attempt.keys) {
      const request = { key, owner: name, txnId, ttlSeconds, blockSeconds: 5 };
      const granted = await this.#caller.call<AcquireResult>(`acquire ${key}`, (lockd, signal) =>
        lockd.acquire(request, { signal }),
      );
      const { leaseId, fencingToken } = granted;
      leases.push({ key, leaseId, fencingToken, txnId });
    }
    for (const lease of leases) {
      const key = lease.key ?? "";
      const list = await this.#caller.call(`get ${key}`, async (lockd) =>
        listOf(await lockd.get(lease)),
      );
      attempt.read.set(key, list);
      const body = Buffer.from(JSON.stringify([...list, mark]));
      await this.#caller.call(`update ${key}`, (lockd) => lockd.update(lease, body));
      if (rng.chance(0.1)) {
        await this.#caller.call(`keep ${key}`, (lockd) =>
          lockd.keepAlive({ ...lease, ttlSeconds }),
        );
      }
    }
    return leases;
  }

  async #decide(attempt: Attempt, lease: LeaseAddress, state: TxnState): Promise<void> {
    const { rng, scheduler } = this.#parts;
    attempt.asked = state;
    const { txnId } = attempt;
    const rollback = state === "rollback";
    for (let time = 0; time < 3; time += 1) {
      try {
        if (rng.chance(0.5)) {
          const what = `release ${lease.key}`;
          await this.#caller.call(what, (lockd) => lockd.release({ ...lease, rollback }));
          // Released says that the lease is gone, not how the transaction ended.
          attempt.endedAt = scheduler.now;
          return;
        }
        const decided = await this.#caller.call(state, (lockd) =>
          lockd.transactions.decide({ txnId, state }),
        );
        attempt.answered = decided.state;
        attempt.endedAt = scheduler.now;
        return;
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
      }
    }
  }
}

/** The list a state holds; empty when there is none. */
export function listOf({ exists, body }: { exists: boolean; body: unknown }): readonly string[] {
  if (!exists || !(body instanceof Uint8Array)) return [];
  return JSON.parse(Buffer.from(body).toString()) as string[];
}
