/**
 * The transaction of one message (docs/decisions/0011-a-message-and-its-transaction.md): what its
 * command did in it is committed with the message, or rolled back with it.
 */
import path from "node:path";
import { failure, LockdError } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import { messageKeyOf } from "../../api/message-keys.ts";
import type { Delivery } from "../../api/queues.ts";
import type { TxnState } from "../../api/transactions.ts";
import type { ClientClock } from "../../client/client-ports.ts";
import { decideSurely } from "../../client/txn/decide-surely.ts";
import { mintTxnId } from "../../client/txn/mint-txn-id.ts";
import type { LeaseClock } from "../run/lease-clock.ts";
import { KeptKeys } from "./kept-keys.ts";

/** Milliseconds for a commit, with all its tries. */
const commitMsMax = 15_000;

/** Milliseconds for a rollback: what is not decided rolls back by itself, only later. */
const rollbackMsMax = 5_000;

/** Milliseconds for a look that only makes a report better. */
const explainMsMax = 5_000;

/** Who may have decided it when it was not the worker. */
export const rolledBackBy = "by its command, or because a lease ran out";

export interface TransactionParts {
  readonly lockd: Pick<Lockd, "transactions" | "keepAlive" | "release">;
  readonly clock: LeaseClock;
  readonly wallMs: () => number;
  /** Where its commands tell of the keys they acquire. */
  readonly directory: string;
}

export class MessageTransaction {
  readonly txnId: string;
  /** The file in which commands tell of the keys they acquire. */
  readonly keysFile: string;
  readonly #parts: TransactionParts;
  readonly #keys: KeptKeys;

  /** A new one; nobody but us knows of it until a message is taken in its name. */
  constructor(parts: TransactionParts) {
    this.#parts = parts;
    this.txnId = mintTxnId(parts.wallMs());
    this.keysFile = path.join(parts.directory, `${this.txnId}.keys`);
    this.#keys = new KeptKeys({ ...parts, txnId: this.txnId, file: this.keysFile });
  }

  /** Keeps what the command acquires from now on. */
  keepKeys(onLost: (error: LockdError) => void): void {
    this.#keys.start(onLost);
  }

  /** Resolves when nothing is under way that keeps a key. */
  stopKeeping(): Promise<void> {
    return this.#keys.stop();
  }

  /**
   * Acknowledges the message and makes everything visible, at once; rolls it back when a key is not
   * surely held any more. What counts is what is recorded, whoever decided it.
   * @throws txn_conflict when it was rolled back, lease_expired when a key is lost, errors with
   * `outcomeUnknown`
   */
  async commit(delivery: Delivery): Promise<void> {
    const lost = await this.#keys.assertHeld().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (lost === undefined) {
      if ((await this.#decide("commit", delivery)) === "commit") return;
      throw this.#rolledBackBefore();
    }
    // A rollback, or a commit, takes the keys with it: then they are not what went wrong.
    const wasRolledBack = (await this.#recorded()) === "rollback";
    if ((await this.rollBack()) === "commit") return;
    throw wasRolledBack ? this.#rolledBackBefore(lost.error) : this.#lostKey(lost.error);
  }

  #rolledBackBefore(cause?: unknown): Error {
    const text = `transaction ${this.txnId} was rolled back before: ${rolledBackBy}`;
    return failure("txn_conflict", text, { cause });
  }

  /** What is known without deciding anything. */
  async #recorded(): Promise<TxnState | undefined> {
    const { transactions } = this.#parts.lockd;
    const signal = AbortSignal.timeout(explainMsMax);
    try {
      return (await transactions.explain({ txnId: this.txnId }, { signal })).state;
    } catch (error) {
      if (error instanceof LockdError) return undefined;
      throw error;
    }
  }

  /** Whether the renewal came through may be unknown; that nothing is committed is not. */
  #lostKey(error: unknown): unknown {
    if (!(error instanceof LockdError) || !error.outcomeUnknown) return error;
    const detail = `a key could not be renewed (${error.message})`;
    const text = `transaction ${this.txnId} was rolled back: ${detail}`;
    return failure("txn_conflict", text, { cause: error });
  }

  /**
   * Discards everything and lets go of all keys; best effort. Answers what is recorded, which is
   * `commit` when the command has decided it so; undefined when nobody could tell.
   */
  async rollBack(): Promise<TxnState | undefined> {
    try {
      const state = await this.#decide("rollback", undefined);
      if (state === "commit") await this.#releaseKeys();
      return state;
    } catch (error) {
      if (!(error instanceof LockdError)) throw error;
      return undefined;
    }
  }

  /** A commit of its command's took only the keys along that were changed till then. */
  async #releaseKeys(): Promise<void> {
    const signal = AbortSignal.timeout(rollbackMsMax);
    const { lockd } = this.#parts;
    await Promise.allSettled(
      this.#keys.keys.map((key) => lockd.release({ ...key, rollback: false }, { signal })),
    );
  }

  /** After a nack, which rolled back what was changed: keys that were not are let go of. */
  async letGo(): Promise<void> {
    if (this.#keys.keys.length > 0) await this.rollBack();
  }

  async #decide(state: "commit" | "rollback", delivery: Delivery | undefined): Promise<TxnState> {
    const { lockd, clock, wallMs } = this.#parts;
    const keys = this.#keys.keys.map(({ namespace, key }) => ({ namespace, key }));
    return await decideSurely({
      transactions: lockd.transactions,
      clock: waitingClock(clock, wallMs),
      request: {
        txnId: this.txnId,
        state,
        participants: delivery === undefined ? keys : [...keys, participantOf(delivery)],
      },
      call: { correlationId: delivery?.correlationId || undefined },
      msMax: state === "commit" ? commitMsMax : rollbackMsMax,
    });
  }
}

function participantOf(delivery: Delivery) {
  return { namespace: delivery.namespace, key: messageKeyOf(delivery) };
}

/** A pause between two tries keeps the process alive. */
function waitingClock(clock: LeaseClock, wallMs: () => number): ClientClock {
  return {
    wallMs,
    monotonicMs: () => clock.nowMs(),
    schedule: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
