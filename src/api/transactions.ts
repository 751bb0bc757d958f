/**
 * The transaction face of lockd (transactions-and-islands.md sections 4 to 10): one fate for
 * everything that was touched under one transaction id. On one island so far; terms and backend
 * hashes are carried along for the islands to come.
 */
import type { Decimal, LockdCall } from "./lockd.ts";

export type TxnState = "pending" | "commit" | "rollback";

export interface TxnParticipant {
  readonly namespace?: string | undefined;
  /** A key, `q/<queue>/msg/<id>` or `q/<queue>/state/<id>`; taken verbatim. */
  readonly key?: string | undefined;
  /** Absent: this island. */
  readonly backendHash?: string | undefined;
}

export interface DecideRequest {
  /** xid. */
  readonly txnId?: string | undefined;
  /** `pending` (also `prepare`), `commit` or `rollback`; any case. */
  readonly state?: string | undefined;
  /** Merged into what is recorded. */
  readonly participants?: readonly TxnParticipant[] | undefined;
  /** Moves the deadline of a pending transaction out, never in. */
  readonly expiresAtUnix?: number | undefined;
  readonly tcTerm?: Decimal | undefined;
}

/** A decision made elsewhere, to be applied on this island only. */
export interface ApplyRequest extends DecideRequest {
  readonly targetBackendHash?: string | undefined;
}

export interface TxnResult {
  readonly txnId: string;
  /** What is recorded; may differ from what was asked for when an earlier decision stands. */
  readonly state: TxnState;
}

export interface TxnParticipantStatus {
  readonly namespace: string;
  readonly key: string;
  readonly backendHash: string;
  readonly applied: boolean;
}

/** Extension: one transaction as recorded. */
export interface TxnSummary {
  readonly txnId: string;
  readonly state: TxnState;
  readonly participants: readonly TxnParticipantStatus[];
  readonly createdAtUnix: number;
  readonly updatedAtUnix: number;
  readonly expiresAtUnix: number;
  readonly tcTerm: number;
  /** Pending beyond its deadline, or decided with participants that have not applied it. */
  readonly inDoubt: boolean;
}

export interface TxnListRequest {
  readonly state?: string | undefined;
  readonly inDoubt?: boolean | undefined;
  readonly cursor?: string | undefined;
  /** 1 to 1000; default 100. */
  readonly limit?: number | undefined;
}

/** A recorded transaction that cannot be read; it is left as it is. */
export interface DamagedTxn {
  readonly txnId: string;
  /** What is wrong with its record. */
  readonly detail: string;
}

export interface TxnListResult {
  readonly transactions: readonly TxnSummary[];
  /**
   * Whatever was asked for: nobody can tell what they are. They count for the limit like others.
   */
  readonly damaged: readonly DamagedTxn[];
  readonly cursor: string | undefined;
}

/** Extension: what a participant looks like now. */
export interface TxnParticipantStory extends TxnParticipantStatus {
  /**
   * What stands in its record: `staged`, `leased`, `clean`, `other transaction`, `gone`; or
   * `elsewhere` (another island).
   */
  readonly now: string;
  readonly owner: string | undefined;
  readonly leaseExpiresAtUnix: number | undefined;
  readonly fencingToken: number | undefined;
}

/** Extension: the whole story of one transaction. */
export interface TxnExplanation {
  readonly txnId: string;
  readonly state: TxnState;
  /** `recorded`: still worked on; `finished`: only its decision is remembered. */
  readonly record: "recorded" | "finished";
  readonly participants: readonly TxnParticipantStory[];
  readonly createdAtUnix: number | undefined;
  readonly decidedAtUnix: number | undefined;
  /** Deadline of a pending transaction; until when a decision is remembered otherwise. */
  readonly expiresAtUnix: number;
  readonly tcTerm: number;
  /** Sentences for people: what happened and what is missing. */
  readonly story: readonly string[];
}

export interface Transactions {
  /** Records, or decides and applies. @throws txn_conflict, tc errors, the first apply error */
  decide(request: DecideRequest, call?: LockdCall): Promise<TxnResult>;
  /** Applies a decision on this island only. @throws txn_not_found, txn_pending, txn_conflict */
  apply(state: "commit" | "rollback", request: ApplyRequest, call?: LockdCall): Promise<TxnResult>;
  /** Drives one transaction to its end as far as it is decided or expired. @throws txn_not_found */
  replay(request: { readonly txnId?: string | undefined }, call?: LockdCall): Promise<TxnResult>;
  /** Extension: recorded transactions in the order of their ids. */
  list(request: TxnListRequest, call?: LockdCall): Promise<TxnListResult>;
  /** Extension. @throws txn_not_found */
  explain(
    request: { readonly txnId?: string | undefined },
    call?: LockdCall,
  ): Promise<TxnExplanation>;
}
