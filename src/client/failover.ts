import { LockdTimeoutError, LockdTransportError } from "../api/errors.ts";
import type { BodyOut } from "../api/lockd.ts";
import { isPassiveAnswer } from "./answer-error.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import type { CarrierCall } from "./carrier-call.ts";
import type { ClientClock, ClientRandom } from "./client-ports.ts";
import type { Connections } from "./connections.ts";
import type { Endpoint } from "./endpoints.ts";
import { type ExchangeAnswer, type ExchangeFault, exchange } from "./exchange.ts";
import type { OutgoingBody } from "./outgoing-body.ts";
import { isAnsweredWithoutTls, isFatalTlsFailure } from "./tls-failure.ts";

/** A call as it goes over the wire, whichever endpoint takes it. */
export interface WireCall {
  /** The verb, for messages. */
  readonly operation: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** Path with query, below the endpoint's base path. */
  readonly path: string;
  readonly headers: string[];
  readonly body: OutgoingBody | undefined;
  /** True when the same request may simply be sent again after an unknown outcome. */
  readonly repeatable: boolean;
  /** True when it can change something, so that a lost answer leaves the outcome unknown. */
  readonly changes: boolean;
  /** Milliseconds for one try; undefined for no limit. */
  readonly tryLimitMs: number | undefined;
  readonly collectBytesMax: number;
  readonly mayStream: boolean | "always";
}

/** What one call of the interface knows over all its attempts. */
export interface CallProgress {
  readonly call: CarrierCall;
  /** Aborts with the caller's signal or when the client closes. */
  readonly signal: AbortSignal | undefined;
  /** Monotonic end of the whole call, when the caller set a limit. */
  readonly deadlineMs: number | undefined;
  /** True once a request that can change something was sent and its answer lost. */
  outcomeUnknown: boolean;
  /** Endpoints to skip to the back of the next attempt; counts answers that said "not now". */
  rotation: number;
}

export interface EndpointAnswer {
  readonly endpoint: Endpoint;
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: BodyOut;
}

export interface FailoverOptions {
  readonly endpoints: readonly Endpoint[];
  readonly shuffle: boolean;
  readonly connections: Connections;
  readonly clock: ClientClock;
  readonly random: ClientRandom;
  /** Told of every answer, failed ones included. */
  readonly onAnswer: ((endpoint: string, headers: AnswerHeaders) => void) | undefined;
}

/** Sends a call to the first endpoint that takes it (client-sdk.md section 3). */
export class Failover {
  readonly #options: FailoverOptions;

  constructor(options: FailoverOptions) {
    this.#options = options;
  }

  /**
   * One attempt: every endpoint at most once.
   * @throws LockdTransportError, LockdTimeoutError, or the reason of an abort
   */
  async attempt(wire: WireCall, progress: CallProgress): Promise<EndpointAnswer> {
    const order = this.#order(progress);
    const tried: string[] = [];
    let last: ExchangeFault | undefined;
    for (const [index, endpoint] of order.entries()) {
      const limitMs = this.#tryLimitMs(wire, progress, order.length - index);
      if (limitMs !== undefined && limitMs <= 0) break;
      tried.push(endpoint.url);
      const outcome = await this.#send({ wire, progress, endpoint, limitMs });
      if (!("kind" in outcome)) {
        const isLast = index === order.length - 1;
        if (isLast || !(outcome.body instanceof Uint8Array)) return { ...outcome, endpoint };
        if (!isPassiveAnswer({ ...outcome, body: outcome.body })) return { ...outcome, endpoint };
        if (wire.body?.sendable === false) return { ...outcome, endpoint };
        continue;
      }
      last = outcome;
      this.#checkFault({ wire, progress, tried }, outcome);
    }
    throw this.#unreachable({ wire, progress, tried }, last);
  }

  /** Ends the attempt when the fault allows no other endpoint. */
  #checkFault(attempt: Attempt, fault: ExchangeFault): void {
    const { wire, progress } = attempt;
    if (wire.body?.failure !== undefined) throw wire.body.failure.cause;
    const details = faultDetails(attempt, fault);
    if (isFatalTlsFailure(fault.cause)) {
      const message = `TLS of ${details.endpoint} was refused: ${reasonText(fault.cause)}`;
      throw new LockdTransportError("tls_fatal", message, details);
    }
    if (!fault.sent) return;
    if (wire.changes) progress.outcomeUnknown = true;
    if (wire.repeatable && wire.body?.sendable !== false) return;
    throw faultError(wire, fault, { ...details, outcomeUnknown: wire.changes });
  }

  #unreachable(
    attempt: Attempt,
    last: ExchangeFault | undefined,
  ): LockdTransportError | LockdTimeoutError {
    const { wire, tried } = attempt;
    const details = faultDetails(attempt, last);
    if (last === undefined) {
      const message = `no time left for ${wire.operation}`;
      return new LockdTimeoutError("timeout", message, details);
    }
    if (last.reason === "connection" && this.#options.endpoints.length > 1) {
      const message = `all endpoints unreachable: ${tried.join(", ")} (${reasonText(last.cause)})`;
      return new LockdTransportError("transport", message, details);
    }
    return faultError(wire, last, details);
  }

  async #send(send: {
    readonly wire: WireCall;
    readonly progress: CallProgress;
    readonly endpoint: Endpoint;
    readonly limitMs: number | undefined;
  }): Promise<ExchangeAnswer | ExchangeFault> {
    const { wire, progress, endpoint, limitMs } = send;
    const { connections, clock, onAnswer } = this.#options;
    const dispatcher = connections.known(endpoint) ?? (await connections.open(endpoint));
    const outcome = await exchange(
      dispatcher,
      {
        method: wire.method,
        path: endpoint.basePath + wire.path,
        headers: wire.headers,
        body: wire.body?.open(),
        collectBytesMax: wire.collectBytesMax,
        mayStream: wire.mayStream,
      },
      {
        clock,
        signal: progress.signal,
        limitMs,
        limitCoversStream: progress.deadlineMs !== undefined,
      },
    );
    if (!("kind" in outcome)) {
      onAnswer?.(endpoint.url, outcome.headers);
      progress.call.onEndpoint?.(endpoint.url);
    }
    return outcome;
  }

  /**
   * The caller's limit replaces the built-in one, but is divided among the endpoints that are left:
   * a hung first one must not use up the time of a healthy second.
   */
  #tryLimitMs(wire: WireCall, progress: CallProgress, left: number): number | undefined {
    if (progress.deadlineMs === undefined) return wire.tryLimitMs;
    const remainingMs = progress.deadlineMs - this.#options.clock.monotonicMs();
    if (!Number.isFinite(remainingMs)) return undefined;
    if (left === 1 || wire.tryLimitMs === undefined) return remainingMs;
    return Math.min(wire.tryLimitMs, remainingMs / left);
  }

  #order(progress: CallProgress): Endpoint[] {
    const order = [...this.#options.endpoints];
    if (this.#options.shuffle) shuffle(order, this.#options.random);
    else if (progress.rotation > 0) {
      order.push(...order.splice(0, progress.rotation % order.length));
    }
    const preferred = order.findIndex(({ url }) => url === progress.call.preferEndpoint);
    if (preferred > 0) order.unshift(...order.splice(preferred, 1));
    return order;
  }
}

/** One attempt over the endpoints, as far as it got. */
interface Attempt {
  readonly wire: WireCall;
  readonly progress: CallProgress;
  readonly tried: readonly string[];
}

function faultDetails({ wire, progress, tried }: Attempt, fault: ExchangeFault | undefined) {
  const { correlationId } = progress.call;
  const endpoint = tried.at(-1);
  return {
    operation: wire.operation,
    endpoints: tried,
    outcomeUnknown: progress.outcomeUnknown,
    cause: fault?.cause,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}

function faultError(
  wire: WireCall,
  fault: ExchangeFault,
  details: ConstructorParameters<typeof LockdTransportError>[2] & { endpoint?: string },
): LockdTransportError | LockdTimeoutError {
  const at = details.endpoint ?? "the server";
  if (fault.reason === "time") {
    const message = `${wire.operation} at ${at}: ${reasonText(fault.cause)}`;
    return new LockdTimeoutError("timeout", message, details);
  }
  const what = fault.sent ? "the connection broke" : "no connection";
  const reason = isAnsweredWithoutTls(fault.cause)
    ? `what listens there speaks no TLS; for plain HTTP write ${at.replace(/^https/, "http")}`
    : reasonText(fault.cause);
  const message = `${wire.operation} at ${at}: ${what} (${reason})`;
  return new LockdTransportError(
    fault.reason === "truncated" ? "truncated" : "transport",
    message,
    details,
  );
}

/** The innermost plain words of a failure; AggregateErrors of a dual-stack connect say nothing. */
function reasonText(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return reasonText(cause.errors.at(-1));
  }
  return cause instanceof Error && cause.message !== "" ? cause.message : "no reason given";
}

/** Fisher and Yates' shuffle, in place. */
function shuffle(items: Endpoint[], random: ClientRandom): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random.fraction() * (last + 1));
    const a = items[last];
    const b = items[other];
    if (a === undefined || b === undefined) return;
    items[last] = b;
    items[other] = a;
  }
}
