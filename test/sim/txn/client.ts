/** A seeded client that appends its mark to the lists of several keys, in one transaction. */
import type { AcquireResult, LeaseAddress, ServedLockd } from "../../../src/api/lockd.ts";
import type { TxnState } from "../../../src/api/transactions.ts";
import type { SimNode } from "../node.ts";
import type { QueueWire } from "../queue/wire.ts";
import type { Rng } from "../rng.ts";
import type { Scheduler } from "../scheduler.ts";

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

export interface TxnClientParts {
  readonly name: string;
  readonly number: number;
  readonly keys: readonly string[];
  readonly nodes: readonly SimNode[];
  readonly wire: QueueWire;
  readonly scheduler: Scheduler;
  readonly rng: Rng;
  readonly sessions: number;
  readonly pauseMs: number;
  readonly attempts: Attempt[];
}

const callTimeoutMs = 12_000;

class GaveUp extends Error {
  override readonly name = "GaveUp";
}

export class TxnClient {
  readonly #parts: TxnClientParts;
  #count = 0;

  constructor(parts: TxnClientParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { scheduler, rng, sessions, pauseMs } = this.#parts;
    for (let session = 0; session < sessions; session += 1) {
      await scheduler.sleep(rng.between(0, pauseMs * 2));
      await this.#session().catch((error: unknown) => {
        if (!(error instanceof GaveUp)) throw error;
      });
    }
  }

  async #session(): Promise<void> {
    const { name, number, keys, rng, scheduler, attempts } = this.#parts;
    this.#count += 1;
    const id = (number + 1) * 100_000 + this.#count;
    const count = rng.pick([1, 2, 2, 3]);
    const chosen = keys.filter(() => rng.chance(0.7)).slice(0, count);
    if (chosen.length === 0) return;
    const attempt: Attempt = {
      mark: `${name}-${this.#count}`,
      txnId: `${id.toString(32).padStart(19, "0")}g`,
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
      const granted = await this.#call<AcquireResult>(`acquire ${key}`, (lockd, signal) =>
        lockd.acquire(request, { signal }),
      );
      const { leaseId, fencingToken } = granted;
      leases.push({ key, leaseId, fencingToken, txnId });
    }
    for (const lease of leases) {
      const key = lease.key ?? "";
      const list = await this.#call(`get ${key}`, async (lockd) => listOf(await lockd.get(lease)));
      attempt.read.set(key, list);
      const body = Buffer.from(JSON.stringify([...list, mark]));
      await this.#call(`update ${key}`, (lockd) => lockd.update(lease, body));
      if (rng.chance(0.1)) {
        await this.#call(`keep ${key}`, (lockd) => lockd.keepAlive({ ...lease, ttlSeconds }));
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
          await this.#call(what, (lockd) => lockd.release({ ...lease, rollback }));
          // Released says that the lease is gone, not how the transaction ended.
          attempt.endedAt = scheduler.now;
          return;
        }
        const decided = await this.#call(state, (lockd) =>
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

  async #call<T>(
    what: string,
    run: (lockd: ServedLockd, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { nodes, rng, wire } = this.#parts;
    const node = rng.pick(nodes);
    const call = {
      verb: "joint" as const,
      about: { what },
      run: (_queues: unknown, signal: AbortSignal) => run(node.lockd, signal),
    };
    const outcome = await wire.call(node, call, callTimeoutMs);
    if (outcome.kind === "ok") return outcome.answer as T;
    throw new GaveUp(JSON.stringify(outcome));
  }
}

/** The list a state holds; empty when there is none. */
export function listOf({ exists, body }: { exists: boolean; body: unknown }): readonly string[] {
  if (!exists || !(body instanceof Uint8Array)) return [];
  return JSON.parse(Buffer.from(body).toString()) as string[];
}
