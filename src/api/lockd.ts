/**
 * The one interface of lockd. Implemented twice: by the engine in this process
 * (`src/engine/engine.ts`) and over HTTP (`src/client/http-lockd.ts`). Commands, sessions, the
 * server and most tests hold a `Lockd` and cannot tell which.
 *
 * Requests carry what a caller has, unchecked: names as typed, numbers or their decimal text. The
 * engine validates in the order of http-core.md section 10, so that both carriers give the same
 * code for the same mistake. All times are whole seconds as on the wire. Every method rejects with
 * a `LockdError`; an aborted call rejects with the signal's reason.
 */

import type { Attachments } from "./attachments.ts";
import type { Observation } from "./observation.ts";
import type { Queries } from "./queries.ts";
import type { Queues, ServedQueues } from "./queues.ts";
import type { Transactions } from "./transactions.ts";

/** Bytes going in. A stream is read once. */
export type BodyIn = Uint8Array | AsyncIterable<Uint8Array>;

/** Bytes coming out: small ones at once, large ones as a stream that must be read or closed. */
export type BodyOut = Uint8Array | BodyOutStream;

export interface BodyOutStream extends AsyncIterable<Uint8Array> {
  /**
   * The same bytes in memory that is used again, where the source can: each chunk is valid until
   * the next one is asked for. Spares the garbage of a long body that is only passed on.
   */
  lent?(): AsyncIterable<Uint8Array>;
  /** Frees the source without reading on; idempotent. */
  close(): Promise<void>;
}

/** Common to every call. */
export interface LockdCall {
  readonly signal?: AbortSignal | undefined;
  /**
   * Set by servers whose clients may stop sending and still listen: ends waits only. What is found
   * without waiting is done and answered. Absent: `signal` ends waits, too.
   */
  readonly waitSignal?: AbortSignal | undefined;
  /** 1 to 128 printable ASCII characters; generated when absent. */
  readonly correlationId?: string | undefined;
  /** Limit of the whole call in milliseconds; honoured by the HTTP carrier. */
  readonly timeoutMs?: number | undefined;
}

/** A number, or its decimal text still to be checked (a header, a flag). */
export type Decimal = number | string;

/** Addresses a key. */
export interface KeyAddress {
  readonly namespace?: string | undefined;
  readonly key?: string | undefined;
}

/** Addresses a held lease; all three are answered by acquire. */
export interface LeaseAddress extends KeyAddress {
  readonly leaseId?: string | undefined;
  readonly txnId?: string | undefined;
  readonly fencingToken?: Decimal | undefined;
}

export interface AcquireRequest extends KeyAddress {
  readonly owner?: string | undefined;
  /** <= 0 or absent: the default (30); above the maximum: clamped. */
  readonly ttlSeconds?: number | undefined;
  /** -1: do not wait; 0 or absent: for ever; > 0: at most so long; < -1: the server's limit. */
  readonly blockSeconds?: number | undefined;
  readonly ifNotExists?: boolean | undefined;
  /** xid: use this transaction instead of a new one. */
  readonly txnId?: string | undefined;
  /**
   * 16 to 128 visible ASCII characters, unguessable: the same request again within 30 s gets the
   * lease of the first. Old servers ignore it.
   */
  readonly idempotencyKey?: string | undefined;
  /**
   * Also answer the current state (architecture: two calls instead of three). Only a hint: a state
   * above `returnedStateBytesMax`, or an old server, leaves `state` undefined in the answer.
   */
  readonly returnState?: boolean | undefined;
}

export interface AcquireResult {
  readonly namespace: string;
  /** The key after trimming and prefix removal, before lower-casing. */
  readonly key: string;
  readonly owner: string;
  readonly leaseId: string;
  readonly txnId: string;
  readonly expiresAtUnix: number;
  /** Committed version; 0 for a new key. */
  readonly version: number;
  readonly stateEtag: string | undefined;
  readonly fencingToken: number;
  readonly correlationId: string;
  /** True when an earlier attempt of the same request was granted this lease. */
  readonly replayed?: boolean | undefined;
  /** The committed state when `returnState` was asked for and answered. */
  readonly state: StateResult | undefined;
}

export interface KeepAliveRequest extends LeaseAddress {
  readonly ttlSeconds?: number | undefined;
}

export interface KeepAliveResult {
  readonly expiresAtUnix: number;
  readonly fencingToken: number;
  /** Effective version (8.2); 0 when nothing was ever committed or staged. */
  readonly version: number;
  readonly stateEtag: string | undefined;
}

export interface ReleaseRequest extends LeaseAddress {
  readonly rollback?: boolean | undefined;
}

export interface ReleaseResult {
  readonly released: boolean;
}

export interface GetRequest extends LeaseAddress {
  /** Read the committed state without a lease; a lease id always wins. */
  readonly public?: boolean | undefined;
}

/** A state as read. Without one: `exists` false, version 0, empty etag. */
export interface StateResult {
  readonly exists: boolean;
  readonly version: number;
  /** Lower-case hex SHA-256 of the stored bytes. */
  readonly etag: string;
  readonly size: number;
  readonly body: BodyOut;
  /** The lease's token on leased reads. */
  readonly fencingToken: number | undefined;
}

export interface CasConditions {
  readonly ifVersion?: Decimal | undefined;
  readonly ifStateEtag?: string | undefined;
}

export interface UpdateRequest extends LeaseAddress, CasConditions {
  /** SHA-256 (hex) of the body as sent, before compaction. */
  readonly expectedSha256?: string | undefined;
  /** Length of the body as sent, before compaction. */
  readonly expectedBytes?: Decimal | undefined;
  /** Header text or boolean: stage the query-hidden attribute in the same write. */
  readonly queryHidden?: boolean | string | undefined;
  /**
   * Commit and release in the same call (architecture: two calls instead of three). An old server
   * ignores it; `released` in the answer says whether it happened.
   */
  readonly release?: "commit" | undefined;
}

export interface KeyMetadata {
  /** Only ever true; absent when the key is visible to queries. */
  readonly queryHidden?: true;
}

export interface UpdateResult {
  readonly newVersion: number;
  readonly newStateEtag: string;
  /** Stored (compacted) length. */
  readonly bytes: number;
  readonly metadata: KeyMetadata;
  readonly fencingToken: number;
  /** True when the same call also committed and released. */
  readonly released: boolean;
}

export interface MutateRequest extends LeaseAddress, CasConditions {
  /** LQL expressions in order, one each (query-and-lql.md section 7); blank ones are dropped. */
  readonly mutations: readonly string[];
  /** As in {@link UpdateRequest}. */
  readonly queryHidden?: boolean | string | undefined;
  /** As in {@link UpdateRequest}. */
  readonly release?: "commit" | undefined;
}

/** What an evaluation cost; the last three are above 0 only where documents are put aside. */
export interface MutateCounters {
  readonly candidatesSeen: number;
  readonly candidatesWritten: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly bytesCaptured: number;
  readonly spillCount: number;
  readonly spillBytes: number;
}

export interface MutateResult extends UpdateResult {
  readonly counters: MutateCounters;
}

export interface RemoveRequest extends LeaseAddress, CasConditions {}

export interface RemoveResult {
  readonly removed: boolean;
  /** Staged version, or the committed one when nothing was removed. */
  readonly newVersion: number;
  readonly fencingToken: number;
}

export interface UpdateMetadataRequest extends LeaseAddress {
  readonly ifVersion?: Decimal | undefined;
  readonly queryHidden?: boolean | string | undefined;
}

export interface UpdateMetadataResult {
  readonly namespace: string;
  readonly key: string;
  readonly version: number;
  readonly metadata: KeyMetadata;
  readonly fencingToken: number;
}

export interface DescribeResult {
  readonly namespace: string;
  /** As asked for. */
  readonly key: string;
  readonly owner: string | undefined;
  readonly leaseId: string | undefined;
  readonly expiresAtUnix: number | undefined;
  readonly version: number;
  readonly stateEtag: string | undefined;
  /** undefined for a key that was never acquired. */
  readonly updatedAtUnix: number | undefined;
  readonly metadata: KeyMetadata;
}

/** Who holds a key and who waits for it; an extension of the contract (`/v1/x/status`). */
export interface StatusResult extends DescribeResult {
  readonly held: boolean;
  readonly acquiredAtUnix: number | undefined;
  /** Token of the current lease, or the last one handed out; 0 for a key never acquired. */
  readonly fencingToken: number;
  readonly txnId: string | undefined;
  /** Milliseconds until the lease ends, by the answering side's clock; undefined when free. */
  readonly remainingMs: number | undefined;
  /** Callers waiting in the answering process; undefined when it cannot know. */
  readonly waiters: number | undefined;
  /** True when uncommitted changes are staged. */
  readonly staged: boolean;
}

export interface Lockd {
  /** Overview and change stream; never writes. */
  readonly observation: Observation;
  /** Files beside the state of a key. */
  readonly attachments: Attachments;
  /** Queues on the same store. */
  readonly queues: Queues;
  /** Documents by their content, and how namespaces are searched. */
  readonly queries: Queries;
  /** Several keys and messages with one fate. */
  readonly transactions: Transactions;
  /**
   * Takes the exclusive lease of a key.
   * @throws waiting, already_exists, shutdown_draining, idempotency_conflict
   */
  acquire(request: AcquireRequest, call?: LockdCall): Promise<AcquireResult>;
  /** Moves the end of a lease. @throws lease_required, lease_expired, fencing_mismatch */
  keepAlive(request: KeepAliveRequest, call?: LockdCall): Promise<KeepAliveResult>;
  /** Ends a lease, committing (default) or discarding what it staged. Idempotent. */
  release(request: ReleaseRequest, call?: LockdCall): Promise<ReleaseResult>;
  /** Reads a state: the holder's view with a lease, the committed one with `public`. */
  get(request: GetRequest, call?: LockdCall): Promise<StateResult>;
  /** Stages a whole JSON state. @throws version_conflict, etag_mismatch, lease errors */
  update(request: UpdateRequest, body: BodyIn, call?: LockdCall): Promise<UpdateResult>;
  /**
   * Changes the holder's state in place; several changes apply together or not at all. Not
   * idempotent where a step is among them.
   * @throws invalid_mutations, invalid_body, document_too_large, version_conflict, etag_mismatch
   */
  mutate(request: MutateRequest, call?: LockdCall): Promise<MutateResult>;
  /** Stages the removal of the state. */
  remove(request: RemoveRequest, call?: LockdCall): Promise<RemoveResult>;
  /** Stages a change of the key's attributes. */
  updateMetadata(request: UpdateMetadataRequest, call?: LockdCall): Promise<UpdateMetadataResult>;
  /** What is known of a key, without a lease and without side effects. */
  describe(request: KeyAddress, call?: LockdCall): Promise<DescribeResult>;
  /** Holder, token, time left and waiters of a key. */
  status(request: KeyAddress, call?: LockdCall): Promise<StatusResult>;
  /** Frees what this object owns (store, connections); idempotent. Leases stay as they are. */
  close(): Promise<void>;
}

/**
 * A `Lockd` that a server may carry: what a carrier must know beyond the verbs. Of a stream that a
 * carrier hands in, a chunk is valid until the next one is asked for: what is kept is copied.
 */
export interface ServedLockd extends Lockd {
  readonly queues: ServedQueues;
  /**
   * From now on every acquire, blocked ones included, fails with `shutdown_draining`; the hint of
   * those errors counts down from `graceMs`. Everything else goes on. Idempotent.
   */
  beginDrain(graceMs: number): void;
  /** Leases granted or renewed through this object that are still running. */
  liveLeases(): number;
}
