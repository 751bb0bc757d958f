import type { Lockd } from "../api/lockd.ts";
import type { AttachmentReader, AttachmentStore } from "./attachment-types.ts";
import type { ClientClock, ClientRandom } from "./client-ports.ts";
import type { ObservationMethods } from "./observation/observation-types.ts";
import type { QueryMethods } from "./query/query-types.ts";
import type { QueueClient } from "./queue/queue-types.ts";
import type { TraceContextSource } from "./trace-context.ts";
import type { TransactionMethods } from "./txn/txn-types.ts";

/** Common to every call. A plain AbortSignal may be passed instead. */
export interface CallOptions {
  /** Abort: rejects with signal.reason and closes the request. */
  signal?: AbortSignal | undefined;
  /** Limit for the whole call including retries, ms. Replaces built-in limits. */
  timeoutMs?: number | undefined;
  /** 1..128 printable ASCII chars. @throws LockdConfigError when invalid */
  correlationId?: string | undefined;
}
export type Call<T = unknown> = (T & CallOptions) | AbortSignal;

export type BodySource =
  | string
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | NodeJS.ReadableStream
  | AsyncIterable<Uint8Array>;
/** A function is called once per attempt: a replayable body. */
export type BodyInput = BodySource | (() => BodySource | Promise<BodySource>);

/** Body that can be consumed once. Dispose to free the connection. */
export interface OnceBody extends AsyncDisposable {
  /** Bytes, when the server says so. */
  readonly size?: number;
  stream(): ReadableStream<Uint8Array>;
  nodeStream(): NodeJS.ReadableStream;
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  json<T = unknown>(): Promise<T>;
  /** @returns bytes written */
  pipeTo(dst: WritableStream<Uint8Array> | NodeJS.WritableStream): Promise<number>;
  close(): Promise<void>;
}

/** Milliseconds; failureRetries < 0 = unlimited. Defaults 1000/5000/1.2/100/5. */
export interface AcquireBackoff {
  baseMs: number;
  maxMs: number;
  multiplier: number;
  jitterMs: number;
  failureRetries: number;
}

export interface AcquireRequest {
  /** Empty: the server generates one. */
  key?: string | undefined;
  namespace?: string | undefined;
  /** Identity shown to others; not empty. */
  owner: string;
  /** Lease time, ms, > 0, rounded up to seconds. */
  ttlMs: number;
  /** Wait for a held key: ms, "forever" (default) or "none" (one request; 0 means the same). */
  waitMs?: number | "forever" | "none" | undefined;
  ifNotExists?: boolean | undefined;
  txnId?: string | undefined;
  /**
   * 16 to 128 visible ASCII characters that nobody can guess: the same request again within 30 s
   * gets the same lease, also from another process. Made up for each call unless given, so that
   * the call's own repetitions find a grant whose answer was lost.
   */
  idempotencyKey?: string | undefined;
  /** Renew every max(ttl/2, 1 s) until release. Default false. */
  autoKeepAlive?: boolean | undefined;
  backoff?: Partial<AcquireBackoff> | undefined;
}

export interface CasOptions {
  /** undefined: session cache; null: send none. */
  ifEtag?: string | null | undefined;
  ifVersion?: number | null | undefined;
}

export interface UpdateOptions extends CasOptions {
  expectedSha256?: string | undefined;
  expectedBytes?: number | undefined;
  queryHidden?: boolean | undefined;
}

export interface MutateOptions extends CasOptions {
  queryHidden?: boolean | undefined;
}

export interface MutateLocalOptions extends MutateOptions {
  /** Where relative paths of file values start; without it they are an error. */
  baseDir?: string | undefined;
  /** Opens the file of a file value; called up to twice for each. */
  openFile?: ((file: string) => AsyncIterable<Uint8Array>) | undefined;
  /** Conditions are the etag and version just read, unless given; true. */
  useFetchedCas?: boolean | undefined;
}

export interface UpdateResult {
  newVersion: number;
  newStateEtag: string;
  bytes: number;
  queryHidden?: boolean;
}

export interface StateSnapshot extends OnceBody {
  readonly exists: boolean;
  readonly etag: string;
  readonly version: number;
}

/** Methods shared by lease sessions and update contexts. */
export interface StateAccess {
  /** Private read. @throws LeaseLostError, LockdApiError */
  get(o?: Call): Promise<StateSnapshot>;
  /** null when there is no state. */
  getBytes(o?: Call): Promise<Uint8Array | null>;
  /** @throws StateNotFoundError when there is no state */
  load<T = unknown>(o?: Call): Promise<T>;
  loadOr<T>(fallback: T, o?: Call): Promise<T>;
  /** Stage a full JSON document. @throws ConflictError, LeaseLostError */
  update(body: BodyInput, o?: Call<UpdateOptions>): Promise<UpdateResult>;
  updateBytes(body: Uint8Array, o?: Call<UpdateOptions>): Promise<UpdateResult>;
  /** One attempt, no buffering. */
  updateStream(body: BodyInput, o?: Call<UpdateOptions>): Promise<UpdateResult>;
  save(value: unknown, o?: Call<UpdateOptions>): Promise<UpdateResult>;
  /**
   * Change the state in place, at the server: LQL expressions, one an element, or one text with
   * several. A step without conditions is never sent twice.
   * @throws LqlSyntaxError, ConflictError, LeaseLostError
   */
  mutate(lql: string | readonly string[], o?: Call<MutateOptions>): Promise<UpdateResult>;
  /** As mutate, on the way through this process; values may come from files. One attempt. */
  mutateLocal(lql: string | readonly string[], o?: Call<MutateLocalOptions>): Promise<UpdateResult>;
  updateMetadata(
    m: { queryHidden: boolean },
    o?: Call<{ ifVersion?: number | null | undefined }>,
  ): Promise<{ version: number; queryHidden?: boolean }>;
  remove(o?: Call<CasOptions>): Promise<{ removed: boolean; newVersion?: number }>;
  /**
   * Replace the state, commit and release, in one round trip where the server can. The session is
   * released afterwards; there is no rolling back.
   * @throws ConflictError, LeaseLostError
   */
  updateAndRelease(body: BodyInput, o?: Call<UpdateOptions>): Promise<UpdateResult>;
  /** As updateAndRelease, with an ordinary value. */
  saveAndRelease(value: unknown, o?: Call<UpdateOptions>): Promise<UpdateResult>;
}

export interface LeaseSession extends StateAccess, AsyncDisposable {
  readonly namespace: string;
  readonly key: string;
  readonly leaseId: string;
  readonly txnId: string;
  readonly owner: string;
  readonly expiresAt: Date;
  readonly version: number;
  readonly stateEtag: string;
  readonly fencingToken: number;
  readonly correlationId?: string;
  readonly endpoint: string;
  readonly released: boolean;
  /** Numbers as on the wire. */
  readonly raw: { readonly expiresAtUnix: number };
  /** Aborts on keepalive failure, drain, or client.close(). */
  readonly signal: AbortSignal;
  rollbackOnDispose: boolean;
  readonly attachments: AttachmentStore;
  /** ttl defaults to the acquire ttl. @throws LeaseLostError */
  keepAlive(o?: Call<{ ttlMs?: number | undefined }>): Promise<Date>;
  /** Commit (default) or roll back. Idempotent. @throws LeaseLostError when staged work was lost */
  release(o?: Call<{ rollback?: boolean | undefined }>): Promise<void>;
  /** release within closeTimeoutMs. */
  close(): Promise<void>;
}

/** What acquireForUpdate hands out: a session and the state seen at acquire. */
export interface UpdateContext extends StateAccess {
  readonly session: LeaseSession;
  readonly state: StateSnapshot;
  /** Aborts with the caller's signal, a failed keepalive or a draining server. */
  readonly signal: AbortSignal;
  /** Counts from 1. */
  readonly attempt: number;
  keepAlive(o?: Call<{ ttlMs?: number | undefined }>): Promise<Date>;
}

export interface UpdateSession extends LeaseSession {
  readonly state: StateSnapshot;
}

/** What is known of a key without a lease. */
export interface KeyDescription {
  readonly namespace: string;
  readonly key: string;
  readonly owner?: string;
  readonly leaseId?: string;
  readonly expiresAt?: Date;
  readonly version: number;
  readonly stateEtag: string;
  readonly updatedAt?: Date;
  readonly queryHidden?: boolean;
  readonly raw: { readonly expiresAtUnix?: number; readonly updatedAtUnix?: number };
}

export interface ReadOptions {
  namespace?: string | undefined;
  leaseId?: string | undefined;
  public?: boolean | undefined;
}

/** A lease obtained elsewhere. */
export interface LeaseIds {
  key: string;
  namespace?: string | undefined;
  leaseId: string;
  txnId?: string | undefined;
  fencingToken?: number | undefined;
}

export interface LockdClient
  extends QueueClient,
    QueryMethods,
    TransactionMethods,
    ObservationMethods,
    AsyncDisposable {
  readonly namespace: string;
  useNamespace(ns: string): void;
  useLeaseId(id: string): void;
  clearLeaseId(id?: string): void;
  registerLeaseToken(leaseId: string, token: number): void;
  acquire(r: AcquireRequest, o?: Call): Promise<LeaseSession>;
  /** Runs handler under the lease; may run it again after a lost lease or a failing server. */
  acquireForUpdate<T>(
    r: AcquireRequest,
    handler: (c: UpdateContext) => Promise<T>,
    o?: Call<{ retryHandler?: boolean | undefined }>,
  ): Promise<T>;
  acquireForUpdate(r: AcquireRequest, o?: Call): Promise<UpdateSession>;
  get(key: string, o?: Call<ReadOptions>): Promise<StateSnapshot>;
  getBytes(key: string, o?: Call<ReadOptions>): Promise<Uint8Array | null>;
  load<T = unknown>(key: string, o?: Call<ReadOptions>): Promise<T>;
  loadOr<T>(key: string, fallback: T, o?: Call<ReadOptions>): Promise<T>;
  describe(key: string, o?: Call<{ namespace?: string | undefined }>): Promise<KeyDescription>;
  /** A session-shaped view on a lease obtained elsewhere; does not auto-release. */
  attachSession(s: LeaseIds): LeaseSession;
  /** The committed attachments of a key. */
  publicAttachments(key: string, o?: { namespace?: string | undefined }): AttachmentReader;
  close(o?: { releaseSessions?: boolean | undefined }): Promise<void>;
}

/** Structured events `client.<area>.<event>`; never state, tokens or key material. */
export interface ClientLogger {
  debug(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What every client may be told, whatever carries its calls. */
export interface SessionOptions {
  /** Default namespace; `default`. */
  namespace?: string | undefined;
  /** Retries after failures; negative = unlimited; 5. */
  failureRetries?: number | undefined;
  /** Limit of close and auto-release work, ms; 5 000. */
  closeTimeoutMs?: number | undefined;
  /** Limit of one keepalive, ms, never above closeTimeoutMs; 5 000. */
  keepAliveTimeoutMs?: number | undefined;
  /** Limit of acquire and first read inside acquireForUpdate, ms; 900 000. */
  forUpdateTimeoutMs?: number | undefined;
  /** React to a server that announces its shutdown; true. */
  drainAware?: boolean | undefined;
  logger?: ClientLogger | undefined;
  /** For tests: time and randomness. */
  clock?: ClientClock | undefined;
  random?: ClientRandom | undefined;
}

export interface ClientOptions extends SessionOptions {
  /** Comma list or array; required unless a transport is given. */
  endpoints?: string | readonly string[] | undefined;
  /** Random endpoint order per request; true. */
  shuffle?: boolean | undefined;
  /** Plain http for endpoints without scheme; false. */
  disableMtls?: boolean | undefined;
  /** Limit of ordinary requests, ms; 15 000, or 3 000 with several endpoints. */
  httpTimeoutMs?: number | undefined;
  /**
   * The W3C trace context that requests carry; that of OpenTelemetry unless given, where the
   * application has registered it.
   */
  traceContext?: TraceContextSource | undefined;
  /** Carries the calls instead of HTTP (an engine in this process); closed with the client. */
  transport?: Lockd | undefined;
}
