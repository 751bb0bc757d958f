/** What the dashboard needs of one lockd; an adapter makes it from a `Lockd`, tests make it up. */
import type { QueueSummary } from "../../api/queues.ts";
import type { TxnSummary } from "../../api/transactions.ts";

export type LeaseOrder = "expiry" | "name";

/** Which window of leases. */
export interface LookRequest {
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Cursor of the window before. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly order: LeaseOrder;
  /** Part of `namespace/key` or of the owner; empty: no filter. */
  readonly filter: string;
}

/** One held key. */
export interface LeaseRow {
  readonly namespace: string;
  readonly key: string;
  readonly owner: string;
  readonly leaseId: string;
  readonly txnId: string;
  readonly fencingToken: number;
  readonly acquiredAtUnix: number;
  /** What its last grant or renewal was for; undefined where nobody tells. */
  readonly ttlMs?: number | undefined;
  /** By the answering side's clock, when it answered. */
  readonly remainingMs: number;
  readonly waiters: number | undefined;
  readonly version: number;
  readonly staged: boolean;
}

export interface LookCounts {
  readonly keysHeld: number;
  readonly keysMatching: number;
  readonly staged: number;
  readonly liveLeases: number;
  readonly waiters: number | undefined;
}

/** A failure for people: what the error registry says of it. */
export interface Failure {
  readonly code: string;
  readonly detail: string;
}

/** A part that could not be had while the others could. */
export interface Trouble extends Failure {
  readonly part: "leases" | "queues" | "transactions";
}

/** One look at everything. */
export interface Look {
  readonly version: string | undefined;
  readonly mode: "server" | "inline";
  readonly store: string;
  readonly uptimeMs: number | undefined;
  readonly draining: boolean;
  /** The answering side's wall clock. */
  readonly nowUnixMs: number;
  readonly counts: LookCounts | undefined;
  /** False while not every held key is known yet. */
  readonly complete: boolean;
  readonly leases: readonly LeaseRow[];
  /** Where the next window starts; undefined when this is the last. */
  readonly cursor: string | undefined;
  readonly queues: readonly QueueSummary[];
  readonly moreQueues: boolean;
  readonly transactions: readonly TxnSummary[];
  readonly moreTransactions: boolean;
  readonly tc: { readonly mode: string };
  readonly qrfState: string;
  readonly trouble: readonly Trouble[];
}

/** Something that happened. */
export interface Happening {
  readonly id: string;
  readonly kind: string;
  readonly atUnixMs: number;
  readonly namespace?: string | undefined;
  readonly key?: string | undefined;
  readonly queue?: string | undefined;
  readonly messageId?: string | undefined;
  readonly owner?: string | undefined;
  readonly leaseId?: string | undefined;
  readonly txnId?: string | undefined;
  readonly fencingToken?: number | undefined;
  readonly version?: number | undefined;
  readonly outcome?: string | undefined;
  /** Events that passed by unread. */
  readonly missed?: number | undefined;
}

/** What a detail is about. */
export type Subject =
  | { readonly kind: "key"; readonly namespace: string; readonly key: string }
  | { readonly kind: "queue"; readonly namespace: string; readonly queue: string }
  | { readonly kind: "transaction"; readonly txnId: string };

/** A detail: facts, then text that is shown as it is. */
export interface Detail {
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly heading: string;
  readonly lines: readonly string[];
}

/** What the dashboard may change, each behind `--write` and a confirmation. */
export type Action =
  | { readonly kind: "release"; readonly lease: LeaseRow }
  | { readonly kind: "redrive" | "purge"; readonly namespace: string; readonly queue: string };

export interface DashboardSource {
  /** One bounded look. */
  look(request: LookRequest, signal: AbortSignal): Promise<Look>;
  /** What happens from now on, or behind `after`; undefined where nothing is told. */
  follow(
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Happening> | undefined>;
  detail(subject: Subject, signal: AbortSignal): Promise<Detail>;
  /** Resolves with a sentence for the footer. */
  act(action: Action, signal: AbortSignal): Promise<string>;
}
