import type { TxnState } from "../../api/transactions.ts";
import type {
  DequeueOptions,
  EnqueueOptions,
  EnqueueResult,
  QueueMessage,
  StatefulMessage,
} from "../queue/queue-types.ts";
import type { AcquireRequest, BodyInput, Call, LeaseSession } from "../types.ts";

export type { TxnState };

/** A key or queue message that shares a transaction's fate. */
export interface TxnParticipant {
  namespace: string;
  key: string;
  /** The island it is on; absent: the one that is asked. */
  backendHash?: string | undefined;
}

export interface TxnDecision {
  txnId: string;
  participants?: readonly TxnParticipant[] | undefined;
  /** Moves the deadline of a pending transaction out, never in. */
  expiresAt?: Date | undefined;
  tcTerm?: number | undefined;
}

/** What is recorded, which may differ from what was asked for when an earlier decision stands. */
export interface TxnOutcome {
  readonly txnId: string;
  readonly state: TxnState;
}

export interface TxnParticipantInfo {
  readonly namespace: string;
  readonly key: string;
  readonly backendHash?: string;
  readonly applied: boolean;
}

export interface TxnInfo {
  readonly txnId: string;
  readonly state: TxnState;
  readonly participants: readonly TxnParticipantInfo[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
  /** Pending beyond its deadline, or decided with participants that have not applied it. */
  readonly inDoubt: boolean;
}

/** A recorded transaction that cannot be read; it is left as it is. */
export interface TxnDamage {
  readonly txnId: string;
  readonly detail: string;
}

export interface TxnPage {
  readonly transactions: readonly TxnInfo[];
  /** Whatever was asked for: nobody can tell what they are. */
  readonly damaged: readonly TxnDamage[];
  /** Where the next page starts; absent at the end. */
  readonly cursor?: string;
}

export interface TxnStory {
  readonly txnId: string;
  readonly state: TxnState;
  /** `recorded`: still worked on; `finished`: only its decision is remembered. */
  readonly record: "recorded" | "finished";
  readonly participants: readonly (TxnParticipantInfo & {
    /** What stands in its record: staged, leased, clean, other transaction, gone. */
    readonly now: string;
    readonly owner?: string;
    readonly leaseExpiresAt?: Date;
  })[];
  readonly createdAt?: Date;
  readonly decidedAt?: Date;
  readonly expiresAt: Date;
  /** Sentences for people. */
  readonly story: readonly string[];
}

/** Transactions by their ids (client-sdk.md section 12); most programs want `transaction`. */
export interface TxnApi {
  /** Records participants. @throws LockdConfigError without id, LockdApiError */
  prepare(r: TxnDecision, o?: Call): Promise<TxnOutcome>;
  /** Decides and applies; look at the answer's state. */
  commit(r: TxnDecision, o?: Call): Promise<TxnOutcome>;
  rollback(r: TxnDecision, o?: Call): Promise<TxnOutcome>;
  /** Applies a decision on the island that is asked, and on no other. */
  applyCommit(
    r: TxnDecision & { targetBackendHash?: string | undefined },
    o?: Call,
  ): Promise<TxnOutcome>;
  applyRollback(
    r: TxnDecision & { targetBackendHash?: string | undefined },
    o?: Call,
  ): Promise<TxnOutcome>;
  /** Drives a transaction to its end as far as it is decided or expired; tells how it stands. */
  replay(txnId: string, o?: Call): Promise<TxnOutcome>;
  /** Recorded transactions in the order of their ids. */
  list(
    r?: {
      state?: TxnState | undefined;
      inDoubt?: boolean | undefined;
      cursor?: string | undefined;
      limit?: number | undefined;
    },
    o?: Call,
  ): Promise<TxnPage>;
  /** The whole story of one transaction. */
  explain(txnId: string, o?: Call): Promise<TxnStory>;
}

export interface TransactionOptions {
  /** Who holds the keys, as others see it; `<host>-<pid>`. */
  owner?: string | undefined;
  /** Lease time of the keys, ms, renewed until the end; 30 000. */
  ttlMs?: number | undefined;
  /**
   * How long the transaction waits for keys, all acquires together, ms; 30 000. Two transactions
   * that wait for each other's keys end by it.
   */
  waitMs?: number | "forever" | "none" | undefined;
  /**
   * How often the body may run again, under a new id, after a failure that surely left nothing
   * behind: keys not got in time, a lost lease, a server that was away; 0.
   */
  retries?: number | undefined;
}

/** What may be asked for besides the key. */
export type TransactionAcquire = { key: string } & Partial<
  Pick<AcquireRequest, "namespace" | "owner" | "ttlMs" | "waitMs" | "ifNotExists" | "backoff">
>;

/** A key held by a transaction: everything but its end, which is the transaction's. */
export type TransactionKey = Omit<
  LeaseSession,
  | "release"
  | "close"
  | "rollbackOnDispose"
  | "updateAndRelease"
  | "saveAndRelease"
  | typeof Symbol.asyncDispose
>;

export type TransactionDequeue = Partial<
  Pick<DequeueOptions, "namespace" | "owner" | "visibilityMs" | "waitMs">
>;
export type TransactionEnqueue = Omit<EnqueueOptions, "txnId">;
export type EnqueuedInTransaction = EnqueueResult;

type OwnEnd = "ack" | "nack" | "defer" | "close" | typeof Symbol.asyncDispose;
/** A message in a transaction: the commit acknowledges it, a rollback gives it back. */
export type TransactionMessage = Omit<QueueMessage, OwnEnd>;
export type TransactionStatefulMessage = Omit<StatefulMessage, OwnEnd>;

/** What the body of a transaction works with. */
export interface Transaction {
  /** Names the transaction to other programs that are to take part. */
  readonly txnId: string;
  /** Counts from 1. */
  readonly attempt: number;
  /** Aborts when a key is lost, time is over, or the caller's signal aborts. */
  readonly signal: AbortSignal;
  /**
   * Takes a key; asked for again, the one already held. Keys taken one by one should be taken in
   * the same order everywhere, or use `acquireAll`.
   */
  acquire(key: string | TransactionAcquire, o?: Call): Promise<TransactionKey>;
  /**
   * Takes several keys in the one order in which everybody takes them, so that no two wait for
   * each other; all or none. The answer is in the order asked.
   */
  acquireAll(
    keys: readonly (string | TransactionAcquire)[],
    o?: Call,
  ): Promise<readonly TransactionKey[]>;
  /** Takes a message, extended until the end; null when none came in time. */
  dequeue(queue: string, o?: Call<TransactionDequeue>): Promise<TransactionMessage | null>;
  /** As dequeue, with the message's workflow state, whose changes share the transaction's fate. */
  dequeueWithState(
    queue: string,
    o?: Call<TransactionDequeue>,
  ): Promise<TransactionStatefulMessage | null>;
  /**
   * Sends a message that appears when the transaction commits. Servers that cannot hold it back
   * until then refuse it.
   */
  enqueue(
    queue: string,
    payload: BodyInput | null,
    o?: Call<TransactionEnqueue>,
  ): Promise<EnqueuedInTransaction>;
}

export interface TransactionMethods {
  readonly txn: TxnApi;
  /**
   * Runs `work`; what it changed becomes visible all at once when it resolves, and not at all when
   * it throws.
   *
   * @example await client.transaction(async (tx) => {
   *   const [from, to] = await tx.acquireAll(["accounts/a", "accounts/b"]);
   *   await from?.mutate("/balance=-5");
   *   await to?.mutate("/balance=+5");
   * });
   * @throws what `work` throws; LeaseLostError, LockdTimeoutError; an error with `outcomeUnknown`
   *   when nobody could be asked whether the commit was recorded (`txn.replay` tells later)
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, o?: Call<TransactionOptions>): Promise<T>;
}
