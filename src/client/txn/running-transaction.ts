import { failure, LeaseLostError, LockdConfigError, SessionClosedError } from "../../api/errors.ts";
import { normalizeKey, normalizeNamespace } from "../../api/names.ts";
import type { Granted, SessionMaker } from "../acquire-for-update.ts";
import { callOptions } from "../call-options.ts";
import { commitMsMax } from "../limits.ts";
import type { QueueHost } from "../queue/queue-host.ts";
import { isOutcomeUnknown } from "../session-core.ts";
import type { AcquireRequest, BodyInput, Call, CallOptions } from "../types.ts";
import { decideSurely } from "./decide-surely.ts";
import { TransactionMessages } from "./transaction-messages.ts";
import { TransactionSession } from "./transaction-session.ts";
import type {
  EnqueuedInTransaction,
  Transaction,
  TransactionAcquire,
  TransactionDequeue,
  TransactionEnqueue,
  TransactionKey,
  TransactionMessage,
  TransactionStatefulMessage,
} from "./txn-types.ts";
import { WaitBudget } from "./wait-budget.ts";

/** What a transaction needs of the client it belongs to. */
export interface TransactionHost extends QueueHost {
  grantKey(request: AcquireRequest, call: CallOptions, make: SessionMaker): Promise<Granted>;
}

/** How one run of a transaction is to go; complete. */
export interface TransactionTerms {
  readonly txnId: string;
  readonly attempt: number;
  readonly owner: string;
  readonly ttlMs: number;
  readonly waitMs: AcquireRequest["waitMs"];
  readonly correlationId: string | undefined;
  /** The caller's signal and the limit of the whole call. */
  readonly signal: AbortSignal | undefined;
}

type KeyRequest = TransactionAcquire & { readonly namespace: string };

/** Milliseconds. A lease that may run out this soon is renewed before anything is committed. */
const sureMarginMs = 1_000;

/**
 * One run of a transaction's body. Modes: open, until `commit` or `rollBack` is called; over from
 * then on, when whatever is still granted is given back at once.
 */
export class RunningTransaction implements Transaction {
  readonly txnId: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly #host: TransactionHost;
  readonly #terms: TransactionTerms;
  readonly #budget: WaitBudget;
  readonly #lost = new AbortController();
  readonly #taken = new Map<string, Promise<TransactionSession>>();
  readonly #granted = new Map<string, Granted>();
  /** Keys whose acquire may have been granted without our hearing of it. */
  readonly #unheard = new Map<string, KeyRequest>();
  readonly #messages: TransactionMessages;
  #over = false;

  constructor(host: TransactionHost, terms: TransactionTerms) {
    this.#host = host;
    this.#terms = terms;
    this.#budget = new WaitBudget(host.options.clock, terms.waitMs);
    this.txnId = terms.txnId;
    this.attempt = terms.attempt;
    const { signal } = terms;
    const lost = this.#lost.signal;
    this.signal = signal === undefined ? lost : AbortSignal.any([signal, lost]);
    const { owner, txnId, ttlMs } = terms;
    const own = { owner, txnId, ttlMs, signal: this.signal };
    this.#messages = new TransactionMessages(host, own, (error) => this.#lost.abort(error));
  }

  async acquire(key: string | TransactionAcquire, o?: Call): Promise<TransactionKey> {
    return await this.#take(this.#requestOf(key), callOptions(o));
  }

  async acquireAll(
    keys: readonly (string | TransactionAcquire)[],
    o?: Call,
  ): Promise<readonly TransactionKey[]> {
    const asked = keys.map((key) => this.#requestOf(key));
    const byName = new Map(asked.map((request) => [nameOf(request), request]));
    const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
    const fresh: string[] = [];
    const found = new Map<string, TransactionKey>();
    try {
      for (const [name, request] of sorted) {
        if (!this.#taken.has(name)) fresh.push(name);
        found.set(name, await this.#take(request, callOptions(o)));
      }
    } catch (error) {
      await Promise.all(fresh.map((name) => this.#letGo(name)));
      throw error;
    }
    return asked.flatMap((request) => found.get(nameOf(request)) ?? []);
  }

  dequeue(queue: string, o?: Call<TransactionDequeue>): Promise<TransactionMessage | null> {
    return this.#open("dequeue", () => this.#messages.dequeue(queue, o));
  }

  dequeueWithState(
    queue: string,
    o?: Call<TransactionDequeue>,
  ): Promise<TransactionStatefulMessage | null> {
    return this.#open("dequeue", () => this.#messages.dequeueWithState(queue, o));
  }

  enqueue(
    queue: string,
    payload: BodyInput | null,
    ...[o]: [Call<TransactionEnqueue>?]
  ): Promise<EnqueuedInTransaction> {
    return this.#open("enqueue", () => this.#messages.enqueue(queue, payload, o));
  }

  /**
   * Makes everything visible at once.
   * @throws LeaseLostError or txn_conflict after it was rolled back; an error with `outcomeUnknown`
   */
  async commit(): Promise<void> {
    this.#over = true;
    try {
      await this.#assertHeld();
    } catch (error) {
      await this.rollBack();
      throw error;
    }
    try {
      if (!this.#isDirty()) {
        await Promise.all([...this.#granted.keys()].map((name) => this.#letGo(name)));
        return;
      }
      const state = await this.#decide("commit", commitMsMax);
      if (state !== "commit") throw rolledBack(this.txnId);
    } finally {
      await this.#end();
    }
  }

  /** Discards everything. That it fails is no news: what is undecided rolls back by itself. */
  async rollBack(): Promise<void> {
    this.#over = true;
    const { closeTimeoutMs, logger } = this.#host.options;
    try {
      if (this.#isDirty() || this.#unheard.size > 0) await this.#decide("rollback", closeTimeoutMs);
      else await Promise.all([...this.#granted.keys()].map((name) => this.#letGo(name)));
    } catch (error) {
      const fields = { txn_id: this.txnId, error: String(error) };
      logger.warn("client.transaction.rollback_failed", fields);
    } finally {
      await this.#end();
    }
  }

  #requestOf(key: string | TransactionAcquire): KeyRequest {
    const request: TransactionAcquire = typeof key === "string" ? { key } : key;
    if (typeof request.key !== "string" || request.key.trim() === "") {
      throw new LockdConfigError("missing_key", "a transaction takes keys by their names");
    }
    return { ...request, namespace: request.namespace ?? this.#host.namespace };
  }

  #take(request: KeyRequest, call: CallOptions): Promise<TransactionSession> {
    const name = nameOf(request);
    const known = this.#taken.get(name);
    if (known !== undefined) return known;
    const taking = this.#acquire(name, request, call);
    this.#taken.set(name, taking);
    taking.catch((error) => {
      this.#taken.delete(name);
      // Ended by us, it may have been granted all the same.
      if (isOutcomeUnknown(error) || this.signal.aborted || call.signal?.aborted === true) {
        this.#unheard.set(name, request);
      }
    });
    return taking;
  }

  async #acquire(
    name: string,
    request: KeyRequest,
    { signal, ...call }: CallOptions,
  ): Promise<TransactionSession> {
    this.#assertOpen("acquire");
    const { owner, ttlMs, txnId, correlationId } = this.#terms;
    const own = signal === undefined ? this.signal : AbortSignal.any([this.signal, signal]);
    const granted = await this.#budget.spend(request.waitMs, (waitMs) =>
      this.#host.grantKey(
        { ...request, owner: request.owner ?? owner, ttlMs: request.ttlMs ?? ttlMs, waitMs, txnId },
        { correlationId, ...call, signal: own },
        (core) => new TransactionSession(core),
      ),
    );
    this.#granted.set(name, granted);
    if (this.#over) {
      await this.#letGo(name);
      this.#assertOpen("acquire");
    }
    const { session } = granted;
    session.startKeepAlive(request.ttlMs ?? ttlMs);
    session.signal.addEventListener("abort", () => this.#lost.abort(session.signal.reason), {
      once: true,
    });
    return session as TransactionSession;
  }

  async #open<T>(operation: string, work: () => Promise<T>): Promise<T> {
    this.#assertOpen(operation);
    return await work();
  }

  #assertOpen(operation: string): void {
    if (!this.#over) return;
    const message = `transaction ${this.txnId} is over; nothing can join it any more`;
    throw new SessionClosedError("session_closed", message, { operation });
  }

  #isDirty(): boolean {
    if (this.#messages.any) return true;
    return [...this.#granted.values()].some(({ core }) => core.view.dirty);
  }

  /** Gives back a key that was not changed; the transaction stays as it is. */
  async #letGo(name: string): Promise<void> {
    const granted = this.#granted.get(name);
    this.#granted.delete(name);
    this.#taken.delete(name);
    if (granted === undefined) return;
    const { core } = granted;
    const { closeTimeoutMs, logger } = this.#host.options;
    core.end();
    try {
      const call = { ...core.carrierCall(undefined), timeoutMs: closeTimeoutMs };
      await core.lockd.release(core.view.address(), call);
    } catch (error) {
      const fields = { txn_id: this.txnId, error: String(error) };
      logger.warn("client.transaction.release_failed", fields);
    }
  }

  /** Everything that was asked for is done, and every key is surely held. @throws LeaseLostError */
  async #assertHeld(): Promise<void> {
    const granted = [...this.#granted.values()];
    // A change that nobody waited for belongs to the transaction all the same.
    await Promise.all(granted.map(({ core }) => core.changes.run(async () => {}, undefined)));
    for (const { session } of granted) {
      if (session.signal.reason instanceof LeaseLostError) throw session.signal.reason;
    }
    const { clock, keepAliveTimeoutMs } = this.#host.options;
    const unsure = granted.filter(
      ({ core }) => (core.view.sureUntilMs ?? 0) < clock.monotonicMs() + sureMarginMs,
    );
    await Promise.all(
      unsure.map(({ session }) => session.keepAlive({ timeoutMs: keepAliveTimeoutMs })),
    );
    await this.#messages.assertHeld();
  }

  async #decide(state: "commit" | "rollback", msMax: number) {
    const { lockd, options, carrierCall } = this.#host;
    await this.#messages.beforeDecision();
    const held = [...this.#granted.values()].map(({ core }) => core.view.facts);
    const unheard = [...this.#unheard.values()];
    return await decideSurely({
      transactions: lockd.transactions,
      clock: options.clock,
      request: {
        txnId: this.txnId,
        state,
        participants: [
          ...[...held, ...unheard].map(participantOf),
          ...this.#messages.participants(),
        ],
      },
      call: carrierCall({ correlationId: this.#terms.correlationId }),
      msMax,
    });
  }

  async #end(): Promise<void> {
    for (const { core } of this.#granted.values()) core.end();
    await this.#messages.end();
  }
}

function participantOf(request: { readonly namespace: string; readonly key: string }) {
  return {
    namespace: normalizeNamespace(request.namespace, request.namespace),
    key: normalizeKey(request.key),
  };
}

/** What orders keys everywhere alike: no character of a name sorts before the separator. */
function nameOf(request: KeyRequest): string {
  const { namespace, key } = participantOf(request);
  return `${namespace}\n${key}`;
}

function rolledBack(txnId: string): Error {
  return failure(
    "txn_conflict",
    `transaction ${txnId} was rolled back before it could commit: a lease ran out, or somebody ` +
      "decided it",
    { operation: "commit" },
  );
}
