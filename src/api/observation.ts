/**
 * Looking at a lockd from outside: one bounded overview, and a stream of what happens. The
 * dashboard, `lockd top` and `lockd watch` stand on it. An extension of the contract
 * (`/v1/x/overview`, `/v1/x/names`, `/v1/x/events`); nothing here ever writes.
 */
import type { Decimal, LockdCall } from "./lockd.ts";
import type { QueueSummary } from "./queues.ts";
import type { TxnSummary } from "./transactions.ts";

/** Rows of one window of leases at most. */
export const overviewLeasesMax = 200;

/** Rows of a window when the request names no limit. */
export const overviewLeasesDefault = 100;

export type OverviewOrder = "expiry" | "name";

export interface OverviewRequest {
  /** Absent or empty: all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  /** The `cursor` of the window before, with the same order and filter. */
  readonly after?: string | undefined;
  /** Rows: 0 (counts only) to {@link overviewLeasesMax}; {@link overviewLeasesDefault} else. */
  readonly limit?: number | undefined;
  /** `expiry` (default): what ends first stands first. `name`: by namespace and key. */
  readonly order?: string | undefined;
  /** Keeps leases whose `namespace/key` or owner contains this text; case does not matter. */
  readonly filter?: string | undefined;
}

/** One held key. */
export interface OverviewLease {
  readonly namespace: string;
  readonly key: string;
  readonly owner: string;
  readonly leaseId: string;
  readonly txnId: string;
  readonly fencingToken: number;
  readonly acquiredAtUnix: number;
  readonly expiresAtUnix: number;
  /** By the answering side's clock. */
  readonly remainingMs: number;
  /** Callers waiting in the answering process; undefined when it cannot know. */
  readonly waiters: number | undefined;
  /** Committed version. */
  readonly version: number;
  /** True when uncommitted changes are staged. */
  readonly staged: boolean;
}

export interface OverviewCounts {
  /** Keys whose lease runs, whatever the filter says; within `namespaces`. */
  readonly keysHeld: number;
  /** Of these, the ones that the filter keeps. */
  readonly keysMatching: number;
  /** Of the held keys, those with uncommitted changes. */
  readonly staged: number;
  /** Leases of keys and queue messages that a drain would wait for. */
  readonly liveLeases: number;
  /** Callers waiting for keys in the answering process; undefined when it cannot know. */
  readonly waiters: number | undefined;
}

/** A part of the overview that could not be had; the others are good. */
export interface OverviewTrouble {
  readonly part: "leases" | "queues" | "transactions";
  readonly code: string;
  readonly detail: string;
}

export interface Overview {
  /** Version of the answering program; undefined when it did not say. */
  readonly version: string | undefined;
  /** `server`: a process that serves the store; `inline`: this process works on it itself. */
  readonly mode: "server" | "inline";
  /** Label of the store, without secrets. */
  readonly store: string;
  /** Milliseconds since the answering engine was opened. */
  readonly uptimeMs: number;
  readonly draining: boolean;
  /** The answering side's wall clock, for ages and countdowns. */
  readonly nowUnixMs: number;
  readonly counts: OverviewCounts;
  /** False while not every held key is known yet (right after a start, or a very large store). */
  readonly complete: boolean;
  readonly leases: readonly OverviewLease[];
  /** Where the next window starts; undefined when this is the last. */
  readonly cursor: string | undefined;
  readonly queues: readonly QueueSummary[];
  /** True when there are more queues than shown. */
  readonly moreQueues: boolean;
  readonly transactions: readonly TxnSummary[];
  readonly moreTransactions: boolean;
  /** Transaction coordination; `local` until islands exist. */
  readonly tc: { readonly mode: "local" };
  readonly qrfState: "disengaged" | "soft_arm" | "engaged" | "recovery";
  readonly trouble: readonly OverviewTrouble[];
}

/** What can be told of; `ready` and `missed` are about the stream itself. */
export const changeKinds = [
  "ready",
  "missed",
  "lease_granted",
  "lease_renewed",
  "lease_released",
  "lease_expired",
  "state_committed",
  "state_removed",
  "queue_enqueued",
  "queue_delivered",
  "queue_settled",
  "queue_dead",
  "txn_decided",
] as const;

export type ChangeKind = (typeof changeKinds)[number];

export interface ChangeEvent {
  /** Pass it as `after` to go on behind this event. Opaque; good for the life of one process. */
  readonly id: string;
  readonly kind: ChangeKind;
  readonly atUnixMs: number;
  readonly namespace?: string | undefined;
  readonly key?: string | undefined;
  readonly queue?: string | undefined;
  readonly messageId?: string | undefined;
  readonly owner?: string | undefined;
  readonly leaseId?: string | undefined;
  readonly txnId?: string | undefined;
  readonly fencingToken?: number | undefined;
  readonly expiresAtUnix?: number | undefined;
  /** Committed version of the key. */
  readonly version?: number | undefined;
  readonly stateEtag?: string | undefined;
  /** `queue_settled`: `ack`, `nack` or `defer`; `txn_decided`: `commit` or `rollback`. */
  readonly outcome?: string | undefined;
  /** `missed`: events of all kinds that passed by unread; undefined when nobody knows. */
  readonly missed?: number | undefined;
  /** Found by a look at the store: it may stand for several changes, the newest of them. */
  readonly coalesced?: true | undefined;
}

/**
 * Which changes. At most one of `key`, `prefix`, `queue`, `txnId`; none of them means everything,
 * in the namespace given or in all.
 */
export interface ChangesRequest {
  readonly namespace?: string | undefined;
  readonly key?: string | undefined;
  /** Keys that start with this text. */
  readonly prefix?: string | undefined;
  readonly queue?: string | undefined;
  /** xid of a transaction. */
  readonly txnId?: string | undefined;
  /** The id of the last event that was seen: go on behind it. */
  readonly after?: string | undefined;
  /**
   * With `key` or `prefix`: first tell every state whose version is above this one. It is also what
   * the stream falls back to when `after` is not known any more.
   */
  readonly fromVersion?: Decimal | undefined;
}

/** Changes as they come; ends with the call's signal, a drain, or `close`. */
export interface ChangeStream extends AsyncIterable<ChangeEvent> {
  /** Idempotent. */
  close(): Promise<void>;
}

/** What can be listed by name. */
export const nameKinds = ["namespace", "key", "queue", "txn"] as const;

export type NameKind = (typeof nameKinds)[number];

/** Names of one answer at most. */
export const namesMax = 1_000;

/** Names of one answer when the request names no limit. */
export const namesDefault = 100;

export interface NamesRequest {
  /** One of {@link nameKinds}. */
  readonly kind?: string | undefined;
  /** Of keys and queues; the default one else. */
  readonly namespace?: string | undefined;
  /** Only names that start with this text; case does not matter. */
  readonly prefix?: string | undefined;
  /** 1 to {@link namesMax}; {@link namesDefault} else. */
  readonly limit?: number | undefined;
}

export interface NamesAnswer {
  /** In byte order. Of keys beyond the limit only what they have in common, up to a slash. */
  readonly names: readonly string[];
  /** True when there are more than these. */
  readonly more: boolean;
}

export interface Observation {
  /**
   * What there is whose name starts with a text, as a completion needs it: a bounded number of
   * look-ups, however many names there are.
   * @throws invalid_observation, invalid_namespace
   */
  names(request: NamesRequest, call?: LockdCall): Promise<NamesAnswer>;
  /** One bounded look at everything. @throws invalid_observation, invalid_namespace */
  overview(request: OverviewRequest, call?: LockdCall): Promise<Overview>;
  /**
   * What happens from now on, or from `after` or `fromVersion` on. An event `ready` says from
   * where on nothing is missed. A reader too slow for the bounded memory of events gets `missed`.
   *
   * With `key` or `prefix` no commit is ever lost: after `missed`, and when `after` is not known
   * any more, the present version of every key that may have changed is told (`coalesced`). A
   * version may then be told twice; versions in between are coalesced into the newest.
   * @throws invalid_observation, invalid_key, invalid_namespace, overloaded
   */
  changes(request: ChangesRequest, call?: LockdCall): Promise<ChangeStream>;
}
