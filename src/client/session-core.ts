import { LeaseLostError, LockdError, SessionClosedError } from "../api/errors.ts";
import type { Lockd } from "../api/lockd.ts";
import { callOptions } from "./call-options.ts";
import type { CarrierCall } from "./carrier-call.ts";
import type { ClientClock } from "./client-ports.ts";
import { retold } from "./error-details.ts";
import type { LeaseView } from "./lease-view.ts";
import { SerialQueue } from "./serial-queue.ts";
import type { Call } from "./types.ts";

export interface SessionCoreOptions {
  readonly lockd: Lockd;
  readonly view: LeaseView;
  readonly clock: ClientClock;
  readonly closeTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Called once at the end of the session; `leaseOver` is false for a view that was closed. */
  readonly ended: (leaseOver: boolean) => void;
}

/** What a session and the update context on it share: the lease, the order of changes, the end. */
export class SessionCore {
  readonly lockd: Lockd;
  readonly view: LeaseView;
  readonly clock: ClientClock;
  readonly closeTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Changes run one at a time in call order. */
  readonly changes = new SerialQueue();
  readonly abort = new AbortController();
  /** True after an update that was to commit as well and whose outcome is unknown. */
  commitUnknown = false;
  readonly #atEnd: ((leaseOver: boolean) => void)[];
  /** Errors raised by calls on this session, to tell them from errors of a handler's own. */
  readonly #raised = new WeakSet<object>();
  #over = false;

  constructor(options: SessionCoreOptions) {
    this.lockd = options.lockd;
    this.view = options.view;
    this.clock = options.clock;
    this.closeTimeoutMs = options.closeTimeoutMs;
    this.keepAliveTimeoutMs = options.keepAliveTimeoutMs;
    this.#atEnd = [options.ended];
  }

  /** True when the lease was given back or the session was closed. */
  get over(): boolean {
    return this.#over;
  }

  /** The session is over, and with it the lease unless it was only a view of one. */
  end(leaseOver = true): void {
    if (this.#over) return;
    this.#over = true;
    for (const run of this.#atEnd) run(leaseOver);
  }

  /** Runs `run` when the session ends. */
  atEnd(run: () => void): void {
    this.#atEnd.push(run);
  }

  raisedHere(error: unknown): boolean {
    return typeof error === "object" && error !== null && this.#raised.has(error);
  }

  /** The carrier's form of a call's options. */
  carrierCall(given: Call<object> | undefined): CarrierCall {
    const { signal, timeoutMs, correlationId } = callOptions(given);
    const { endpoint } = this.view.facts;
    return {
      signal,
      timeoutMs,
      correlationId: correlationId ?? this.view.facts.correlationId,
      ...(endpoint === "" ? {} : { preferEndpoint: endpoint }),
    };
  }

  /** Runs a call that needs the lease. */
  async guarded<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      this.#assertOpen(operation);
      return await work();
    } catch (error) {
      throw this.remember(error);
    }
  }

  /**
   * The error to give to the caller: a lost lease says whether staged work went with it, and ends
   * whatever listens to the session's signal.
   */
  remember(error: unknown): unknown {
    const told =
      error instanceof LeaseLostError && this.view.dirty && !error.staged
        ? retold(error, { staged: true })
        : error;
    if (told instanceof LeaseLostError) this.abort.abort(told);
    if (typeof told === "object" && told !== null) this.#raised.add(told);
    return told;
  }

  #assertOpen(operation: string): void {
    if (!this.#over) return;
    const { key } = this.view.facts;
    const message = `the session of "${key}" was released; acquire it again to ${operation}`;
    throw new SessionClosedError("session_closed", message, { operation });
  }
}

/** True when the request that failed may have taken effect. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof LockdError && error.outcomeUnknown;
}
