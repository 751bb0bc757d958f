/**
 * A seeded teller: takes an order from the queue under a transaction, moves the money between two
 * accounts, replaces their statements, and settles all of it together. Thinks too long at times,
 * goes away, and repeats old calls when everything is long over.
 */
import type { AcquireResult, LeaseAddress } from "../../../src/api/lockd.ts";
import type { Delivery } from "../../../src/api/queues.ts";
import type { TxnState } from "../../../src/api/transactions.ts";
import { wholeBody } from "../answer.ts";
import { Caller, GaveUp, type NodeCall } from "../caller.ts";
import type { BankParts } from "./book.ts";
import {
  accountOf,
  type BankAttempt,
  bytesOf,
  moved,
  type Order,
  ordersQueue,
  statementName,
} from "./book.ts";

/** Old calls a teller remembers. */
const oldCallsMax = 8;

interface Work {
  readonly attempt: BankAttempt;
  readonly delivery: Delivery;
  readonly leases: readonly LeaseAddress[];
}

interface Taken {
  readonly delivery: Delivery;
  readonly order: Order;
}

export class Teller {
  readonly #parts: BankParts;
  readonly #caller: Caller;
  readonly #oldCalls: { readonly what: string; readonly run: NodeCall<unknown> }[] = [];

  constructor(parts: BankParts) {
    this.#parts = parts;
    this.#caller = new Caller(parts);
  }

  run(): Promise<void> {
    return this.#caller.rounds(async () => {
      if (this.#parts.rng.chance(0.15)) await this.#repeatOldCall();
      await this.#round();
    });
  }

  async #round(): Promise<void> {
    const { rng } = this.#parts;
    const txnId = this.#caller.nextTxnId();
    const work = await this.#take(txnId);
    await this.#think();
    const leases: LeaseAddress[] = [];
    for (const key of work.attempt.keys) leases.push(await this.#acquire(key, txnId));
    await this.#think();
    for (const lease of leases) await this.#move(lease, work.attempt);
    if (rng.chance(0.08)) return;
    const joint = { ...work, leases };
    if (rng.chance(0.25)) await this.#rollBack(joint);
    else await this.#commit(joint);
  }

  /** Longer than leases at times. */
  async #think(): Promise<void> {
    const { scheduler, rng } = this.#parts;
    if (rng.chance(0.12)) await scheduler.sleep(rng.between(500, 8_000));
  }

  async #take(txnId: string): Promise<{ attempt: BankAttempt; delivery: Delivery }> {
    const { rng, name, scheduler, books } = this.#parts;
    const request = {
      queue: ordersQueue,
      owner: name,
      txnId,
      waitSeconds: rng.pick([-1, 1, 3]),
      visibilityTimeoutSeconds: rng.pick([2, 5, 20, 40]),
    };
    const beganAt = scheduler.now;
    const { delivery, order } = await this.#caller.call("dequeue", async (lockd, signal) => {
      const [first] = await lockd.queues.dequeue(request, { signal });
      if (first === undefined) throw new TypeError("a dequeue without a message");
      const payload = Buffer.from(await wholeBody(first.payload)).toString();
      return { delivery: first, order: JSON.parse(payload) as Order } satisfies Taken;
    });
    const attempt: BankAttempt = {
      mark: txnId,
      txnId,
      keys: [order.from, order.to].sort(),
      beganAt,
      read: new Map(),
      asked: undefined,
      answered: undefined,
      endedAt: Number.POSITIVE_INFINITY,
      order,
      messageId: delivery.messageId,
      fencingToken: delivery.fencingToken,
      deliveredAt: scheduler.now,
      // What is left of the lease is told in whole seconds, so it may end a second earlier.
      leaseEndsAt: beganAt + (request.visibilityTimeoutSeconds - 1) * 1000,
      settledAt: undefined,
    };
    books.attempts.push(attempt);
    return { attempt, delivery };
  }

  async #acquire(key: string, txnId: string): Promise<LeaseAddress> {
    const { rng, name } = this.#parts;
    const ttlSeconds = rng.pick([3, 6, 15, 40]);
    const request = { key, owner: name, txnId, ttlSeconds, blockSeconds: 5 };
    const { leaseId, fencingToken } = await this.#caller.call<AcquireResult>(
      `acquire ${key}`,
      (lockd, signal) => lockd.acquire(request, { signal }),
    );
    return { key, leaseId, fencingToken, txnId };
  }

  /** State, new statement, old statement: in any order. */
  async #move(lease: LeaseAddress, attempt: BankAttempt): Promise<void> {
    const { rng } = this.#parts;
    const key = lease.key ?? "";
    const before = await this.#caller.call(`get ${key}`, async (lockd) => {
      const { exists, body } = await lockd.get(lease);
      return accountOf(exists ? body : undefined);
    });
    attempt.read.set(key, before.marks);
    const after = moved(before, key, attempt);
    const bytes = bytesOf(after);
    const steps: [string, NodeCall<unknown>][] = [
      [`update ${key}`, (lockd) => lockd.update(lease, bytes)],
      [
        `attach ${key}`,
        (lockd, signal) =>
          lockd.attachments.attach({ ...lease, name: statementName(after) }, bytes, { signal }),
      ],
    ];
    if (before.marks.length > 0) {
      const name = statementName(before);
      steps.push([`detach ${key}`, (lockd) => lockd.attachments.delete({ ...lease, name })]);
    }
    while (steps.length > 0) {
      const [step] = steps.splice(rng.below(steps.length), 1);
      if (step === undefined) break;
      const [what, run] = step;
      if (rng.chance(0.1)) this.#remember(what, run);
      await this.#caller.call(what, run);
    }
  }

  async #commit(work: Work): Promise<void> {
    const { rng } = this.#parts;
    work.attempt.asked = "commit";
    for (let time = 0; time < 3; time += 1) {
      const way = rng.pick(["ack", "decide", "release"] as const);
      const { what, run, tells } = this.#ending(work, way, "commit");
      if (rng.chance(0.2)) this.#remember(what, run);
      try {
        const answer = await this.#caller.call(what, run);
        this.#ended(work.attempt, tells ? (answer as TxnState) : undefined);
        return;
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
      }
    }
  }

  async #rollBack(work: Work): Promise<void> {
    const { rng } = this.#parts;
    work.attempt.asked = "rollback";
    const way = rng.pick(["nack", "decide", "release"] as const);
    const { what, run, tells } = this.#ending(work, way, "rollback");
    if (rng.chance(0.2)) this.#remember(what, run);
    const answer = await this.#caller.call(what, run);
    this.#ended(work.attempt, tells ? (answer as TxnState) : undefined);
  }

  #ended(attempt: BankAttempt, state: TxnState | undefined): void {
    const { now } = this.#parts.scheduler;
    attempt.answered = state;
    attempt.endedAt = now;
    if (state === "commit") attempt.settledAt = now;
  }

  /** `tells`: the answer is how the transaction ended, with all its participants. */
  #ending(
    { attempt, delivery, leases }: Work,
    way: "ack" | "nack" | "decide" | "release",
    state: "commit" | "rollback",
  ): { readonly what: string; readonly run: NodeCall<unknown>; readonly tells: boolean } {
    const { txnId } = attempt;
    const what = `${way} ${state} ${txnId}`;
    const { payload: _payload, ...address } = delivery;
    switch (way) {
      case "ack":
        return {
          what,
          tells: true,
          run: async ({ queues }) => {
            await queues.ack(address);
            return state;
          },
        };
      case "nack":
        return {
          what,
          tells: true,
          run: async ({ queues }) => {
            await queues.nack({ ...address, intent: "defer" });
            return state;
          },
        };
      case "decide": {
        const run: NodeCall<unknown> = async ({ transactions }) =>
          (await transactions.decide({ txnId, state })).state;
        return { what, tells: true, run };
      }
      default: {
        const lease = this.#parts.rng.pick(leases);
        const rollback = state === "rollback";
        // Released says that the lease is gone, not how the transaction ended.
        return { what, tells: false, run: (lockd) => lockd.release({ ...lease, rollback }) };
      }
    }
  }

  #remember(what: string, run: NodeCall<unknown>): void {
    this.#oldCalls.push({ what: `late ${what}`, run });
    if (this.#oldCalls.length > oldCallsMax) this.#oldCalls.shift();
  }

  async #repeatOldCall(): Promise<void> {
    if (this.#oldCalls.length === 0) return;
    const { what, run } = this.#parts.rng.pick(this.#oldCalls);
    await this.#caller.call(what, run).catch((error: unknown) => {
      if (!(error instanceof GaveUp)) throw error;
    });
  }
}
