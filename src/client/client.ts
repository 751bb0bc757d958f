import { LockdConfigError } from "../api/errors.ts";
import type { GetRequest, Lockd } from "../api/lockd.ts";
import {
  acquireForUpdate,
  type ForUpdateHost,
  type Granted,
  type SessionMaker,
  startForUpdate,
} from "./acquire-for-update.ts";
import { acquireFailure, acquireTerms, leaseFacts } from "./acquire-terms.ts";
import { AttachmentReads } from "./attachment-reads.ts";
import type { AttachmentReader } from "./attachment-types.ts";
import { callOptions, positiveMs, wireSeconds } from "./call-options.ts";
import type { CarrierCall } from "./carrier-call.ts";
import {
  checkedNamespace,
  type ResolvedSessionOptions,
  resolveSessionOptions,
} from "./client-options.ts";
import { type AnswerListener, ClientShared } from "./client-shared.ts";
import { callerCorrelationId } from "./correlation-id.ts";
import { closedError } from "./http-carrier.ts";
import { keyDescription } from "./key-description.ts";
import { type LeaseFacts, LeaseView } from "./lease-view.ts";
import { ObservationCalls } from "./observation/observation-calls.ts";
import { Snapshot } from "./once-body.ts";
import { openCarrier } from "./open-carrier.ts";
import { QueryCalls } from "./query/query-calls.ts";
import type {
  DocumentRows,
  IndexFlushResult,
  KeysResult,
  NamespaceConfig,
  NamespaceConfigState,
  QueryRequest,
} from "./query/query-types.ts";
import type { ExtendingCarrier } from "./queue/extending-protocol.ts";
import { type QueueHost, queueHostOf } from "./queue/queue-host.ts";
import { Session } from "./session.ts";
import { SessionCore } from "./session-core.ts";
import { stateNotFound } from "./state-calls.ts";
import type { TransactionHost } from "./txn/running-transaction.ts";
import type {
  AcquireRequest,
  Call,
  CallOptions,
  ClientOptions,
  KeyDescription,
  LeaseIds,
  LeaseSession,
  LockdClient,
  ReadOptions,
  SessionOptions,
  StateSnapshot,
  UpdateContext,
  UpdateSession,
} from "./types.ts";

/**
 * A client over HTTP, or over the transport that is given. Makes no request.
 *
 * @example const client = createClient({ endpoints: "https://a,https://b" });
 * @throws LockdConfigError
 */
export function createClient(options: ClientOptions): LockdClient {
  const { endpoints, shuffle, disableMtls, transport } = options;
  const open = (onAnswer: AnswerListener): Lockd => openCarrier(options, onAnswer);
  if (endpoints === undefined || transport !== undefined) return clientOver(open, options);
  return clientOver(open, options, { kind: "http", endpoints, shuffle, disableMtls });
}

/**
 * A client over the carrier that `open` makes; the carrier is closed with it. `extending` says how
 * a thread can reach the same queues.
 */
export function clientOver(
  open: (onAnswer: AnswerListener) => Lockd,
  options: SessionOptions,
  extending?: ExtendingCarrier,
): LockdClient {
  const shared = new ClientShared(open, resolveSessionOptions(options), extending);
  return new SessionClient(shared, undefined);
}

class SessionClient extends ObservationCalls implements LockdClient, ForUpdateHost {
  readonly #shared: ClientShared;
  readonly #correlationId: string | undefined;
  readonly #queries: QueryCalls;

  constructor(shared: ClientShared, correlationId: string | undefined) {
    super();
    this.#shared = shared;
    this.#correlationId = callerCorrelationId(correlationId);
    this.#queries = new QueryCalls(
      {
        queries: shared.lockd.queries,
        carrierCall: (o) => this.#carrierCall(o),
        get namespace() {
          return shared.namespace;
        },
      },
      shared.selectors,
    );
  }

  get options(): ResolvedSessionOptions {
    return this.#shared.options;
  }

  get namespace(): string {
    return this.#shared.namespace;
  }

  get queueHost(): QueueHost {
    return queueHostOf(this, this.#shared, (given) => this.#carrierCall(given));
  }

  /** A view of this client that sends `correlationId` where a call names none. */
  correlated(correlationId: string): LockdClient {
    return new SessionClient(this.#shared, correlationId);
  }

  useNamespace(ns: string): void {
    this.#shared.namespace = checkedNamespace(ns);
  }

  useLeaseId(id: string): void {
    this.#shared.stickyLeaseId = id;
  }

  clearLeaseId(id?: string): void {
    if (id === undefined || this.#shared.stickyLeaseId === id) {
      this.#shared.stickyLeaseId = undefined;
    }
  }

  registerLeaseToken(leaseId: string, token: number): void {
    if (!Number.isSafeInteger(token)) {
      throw new LockdConfigError("invalid_fencing_token", "a fencing token is an integer");
    }
    this.#shared.tokens.set(leaseId, token);
  }

  async acquire(r: AcquireRequest, o?: Call): Promise<LeaseSession> {
    const make = (core: SessionCore) => new Session(core, { ownsLease: true, hasHandler: false });
    const { session } = await this.#grant(r, callOptions(o), { make, returnState: false });
    if (r.autoKeepAlive === true) session.startKeepAlive(r.ttlMs);
    return session;
  }

  acquireForUpdate<T>(
    r: AcquireRequest,
    handler: (c: UpdateContext) => Promise<T>,
    o?: Call<{ retryHandler?: boolean | undefined }>,
  ): Promise<T>;
  acquireForUpdate(r: AcquireRequest, o?: Call): Promise<UpdateSession>;
  async acquireForUpdate<T>(
    request: AcquireRequest,
    second?: ((c: UpdateContext) => Promise<T>) | Call,
    third?: Call<{ retryHandler?: boolean | undefined }>,
  ): Promise<T | UpdateSession> {
    if (typeof second !== "function") return await startForUpdate(this, request, second);
    const make = (core: SessionCore) => new Session(core, { ownsLease: true, hasHandler: true });
    return await acquireForUpdate(this, { request, handler: second, call: third, make });
  }

  grant(request: AcquireRequest, call: CallOptions, make: SessionMaker): Promise<Granted> {
    return this.#grant(request, call, { make, returnState: true });
  }

  async get(key: string, o?: Call<ReadOptions>): Promise<StateSnapshot> {
    const call = this.#carrierCall(o);
    return new Snapshot(await this.#shared.lockd.get(this.#readRequest(key, o), call));
  }

  async getBytes(key: string, o?: Call<ReadOptions>): Promise<Uint8Array | null> {
    const state = await this.get(key, o);
    return state.exists ? await state.bytes() : null;
  }

  async load<T = unknown>(key: string, o?: Call<ReadOptions>): Promise<T> {
    const state = await this.get(key, o);
    if (state.exists) return await state.json<T>();
    throw stateNotFound(key);
  }

  async loadOr<T>(key: string, fallback: T, o?: Call<ReadOptions>): Promise<T> {
    const state = await this.get(key, o);
    return state.exists ? await state.json<T>() : fallback;
  }

  async describe(
    key: string,
    o?: Call<{ namespace?: string | undefined }>,
  ): Promise<KeyDescription> {
    const call = this.#carrierCall(o);
    const namespace = callOptions(o).namespace ?? this.namespace;
    // The contract sets no limit here (client-sdk.md section 3).
    const timeoutMs = call.timeoutMs ?? Number.POSITIVE_INFINITY;
    const result = await this.#shared.lockd.describe({ namespace, key }, { ...call, timeoutMs });
    return keyDescription(result);
  }

  query(r: QueryRequest & { return: "documents" }, o?: Call): Promise<DocumentRows>;
  query(r?: QueryRequest & { return?: "keys" | undefined }, o?: Call): Promise<KeysResult>;
  query(
    r: QueryRequest & { return?: "keys" | "documents" | undefined } = {},
    o?: Call,
  ): Promise<DocumentRows | KeysResult> {
    return r.return === "documents"
      ? this.#queries.query({ ...r, return: "documents" }, o)
      : this.#queries.query({ ...r, return: "keys" }, o);
  }

  queryAll(r: QueryRequest & { pageSize?: number | undefined }, o?: Call): AsyncIterable<string> {
    return this.#queries.queryAll(r, o);
  }

  flushIndex(
    ns?: string,
    o?: Call<{ mode?: "async" | "wait" | undefined }>,
  ): Promise<IndexFlushResult> {
    return this.#queries.flushIndex(ns, o);
  }

  getNamespaceConfig(ns?: string, o?: Call): Promise<NamespaceConfigState> {
    return this.#queries.getNamespaceConfig(ns, o);
  }

  updateNamespaceConfig(
    c: Partial<NamespaceConfig>,
    o?: Call<{ namespace?: string | undefined; ifMatch?: string | undefined }>,
  ): Promise<NamespaceConfigState> {
    return this.#queries.updateNamespaceConfig(c, o);
  }

  get transactionHost(): TransactionHost {
    const grantKey: TransactionHost["grantKey"] = (r, call, make) =>
      this.#grant(r, call, { make, returnState: false });
    return { ...this.queueHost, grantKey };
  }

  attachSession(s: LeaseIds): LeaseSession {
    this.#assertOpen();
    const fencingToken = s.fencingToken ?? this.#token(s.leaseId);
    const facts: LeaseFacts = {
      namespace: s.namespace ?? this.namespace,
      key: s.key,
      leaseId: s.leaseId,
      txnId: s.txnId ?? "",
      owner: "",
      expiresAtUnix: 0,
      version: 0,
      stateEtag: "",
      fencingToken,
      correlationId: this.#correlationId,
      endpoint: "",
      ttlSeconds: undefined,
      joined: false,
      sureUntilMs: undefined,
    };
    const make = (core: SessionCore) => new Session(core, { ownsLease: false, hasHandler: false });
    return this.#session(facts, make).session;
  }

  publicAttachments(key: string, o: { namespace?: string | undefined } = {}): AttachmentReader {
    const namespace = o.namespace ?? this.namespace;
    return new AttachmentReads({
      lockd: this.#shared.lockd,
      address: () => ({ namespace, key, public: true }),
      carrierCall: (call) => this.#carrierCall(call),
      guarded: async (_operation, work) => await work(),
      opened: (body) => body,
    });
  }

  close(o: { releaseSessions?: boolean | undefined } = {}): Promise<void> {
    this.#shared.closed ??= this.#close(o.releaseSessions === true);
    return this.#shared.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(releaseSessions: boolean): Promise<void> {
    // First those who still have messages to settle.
    await Promise.all([...this.#shared.closers].map((close) => close()));
    const sessions = [...this.#shared.sessions];
    if (releaseSessions) {
      const results = await Promise.allSettled(sessions.map((session) => session.close()));
      for (const result of results) {
        if (result.status === "fulfilled") continue;
        const fields = { error: String(result.reason) };
        this.#shared.options.logger.warn("client.close.release_failed", fields);
      }
    }
    await Promise.all(sessions.map((session) => session.abandon(closedError())));
    this.#shared.sessions.clear();
    await this.#shared.extending?.close();
    await this.#shared.lockd.close();
  }

  async #grant(
    r: AcquireRequest,
    call: CallOptions,
    how: { readonly make: SessionMaker; readonly returnState: boolean },
  ): Promise<Granted> {
    const { lockd, options } = this.#shared;
    let endpoint = "";
    const carrierCall: CarrierCall = {
      ...this.#carrierCall(call),
      backoff: r.backoff as Partial<CarrierCall["backoff"] & object>,
      onEndpoint: (url) => {
        endpoint = url;
      },
    };
    const ttlSeconds = wireSeconds(positiveMs("ttlMs", r.ttlMs));
    const request = { ...acquireTerms(r, this.namespace), ttlSeconds };
    const startedMs = options.clock.monotonicMs();
    try {
      const result = await lockd.acquire(
        how.returnState ? { ...request, returnState: true } : request,
        {
          ...carrierCall,
        },
      );
      const sureUntilMs = options.clock.monotonicMs() + (ttlSeconds - 1) * 1_000;
      const joined = r.txnId !== undefined;
      const facts = { ...leaseFacts(result), endpoint, ttlSeconds, joined, sureUntilMs };
      return { ...this.#session(facts, how.make), state: result.state };
    } catch (error) {
      const waitedMs = options.clock.monotonicMs() - startedMs;
      throw acquireFailure(error, { blockSeconds: request.blockSeconds, waitedMs });
    }
  }

  #session(facts: LeaseFacts, make: SessionMaker): { core: SessionCore; session: Session } {
    const { options, lockd, tokens, sessions } = this.#shared;
    const core: SessionCore = new SessionCore({
      ...options,
      lockd,
      view: new LeaseView(facts),
      ended: (leaseOver) => {
        sessions.delete(session);
        if (leaseOver) this.#shared.forget(facts.leaseId);
      },
    });
    const session = make(core);
    sessions.add(session);
    tokens.set(facts.leaseId, facts.fencingToken);
    return { core, session };
  }

  #readRequest(key: string, o: Call<ReadOptions> | undefined): GetRequest {
    const { namespace = this.namespace, leaseId, public: isPublic } = callOptions(o);
    const lease = leaseId ?? this.#shared.stickyLeaseId;
    if (isPublic === true || (lease === undefined && isPublic === undefined)) {
      return { namespace, key, public: true };
    }
    if (lease === undefined) {
      throw new LockdConfigError("missing_lease", `a private read of "${key}" needs a lease id`);
    }
    return { namespace, key, leaseId: lease, fencingToken: this.#token(lease) };
  }

  #token(leaseId: string): number {
    const token = this.#shared.tokens.get(leaseId);
    if (token !== undefined) return token;
    throw new LockdConfigError(
      "missing_fencing_token",
      `no fencing token is known for lease ${leaseId}; pass it or register it`,
    );
  }

  #carrierCall(o: Call<object> | undefined): CarrierCall {
    this.#assertOpen();
    const { signal, timeoutMs, correlationId } = callOptions(o);
    return { signal, timeoutMs, correlationId: correlationId ?? this.#correlationId };
  }

  #assertOpen(): void {
    if (this.#shared.closed !== undefined) throw closedError();
  }
}

/**
 * A view of `client` that sends `id` with every call that names none.
 * @throws LockdConfigError for an invalid id or a client that is not of this library
 */
export function withCorrelation(client: LockdClient, id: string): LockdClient {
  if (client instanceof SessionClient) return client.correlated(id);
  throw new LockdConfigError("invalid_option", "withCorrelation needs a client of this library");
}
