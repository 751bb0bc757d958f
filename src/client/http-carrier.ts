import {
  LockdApiError,
  LockdConfigError,
  LockdProtocolError,
  LockdTransportError,
} from "../api/errors.ts";
import { errorOfAnswer } from "./answer-error.ts";
import { updatePauseMs } from "./backoff.ts";
import type { CarrierCall } from "./carrier-call.ts";
import { Connections } from "./connections.ts";
import { callerCorrelationId } from "./correlation-id.ts";
import { type CallProgress, type EndpointAnswer, Failover, type WireCall } from "./failover.ts";
import {
  type HttpLockdOptions,
  type ResolvedHttpOptions,
  resolveHttpOptions,
} from "./http-options.ts";
import { pause } from "./pause.ts";
import { type TraceContextSource, traceHeaders } from "./trace-context.ts";
import { WireRequests } from "./wire-request.ts";

/**
 * Carries calls over HTTP: failover among endpoints, retries where the contract allows them, typed
 * errors (client-sdk.md sections 2 to 4). What a call says and how its answer reads is the
 * business of those who use it.
 */
export class HttpCarrier {
  readonly options: ResolvedHttpOptions;
  readonly requests: WireRequests;
  readonly #connections: Connections;
  readonly #failover: Failover;
  /** Aborts when the client closes; ends calls that may wait for long. */
  readonly closing = new AbortController();
  #closed: Promise<void> | undefined;

  /** Makes no request. @throws LockdConfigError */
  constructor(options: HttpLockdOptions) {
    this.options = resolveHttpOptions(options);
    this.requests = new WireRequests(this.options);
    this.#connections = new Connections({
      library: this.options.httpLibrary,
      connectTimeoutMs: this.options.httpTimeoutMs,
    });
    this.#failover = new Failover({ ...this.options, connections: this.#connections });
  }

  /** Ends waiting acquires, lets other running calls finish in closeTimeoutMs, then cuts them. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    const { clock, closeTimeoutMs } = this.options;
    this.closing.abort(closedError());
    const enough = new AbortController();
    const drained = this.#connections.drain().then(() => enough.abort());
    await pause(clock, closeTimeoutMs, enough.signal).catch(() => {});
    await this.#connections.destroy();
    await drained;
  }

  /** Starts a call of the interface. @throws LockdConfigError */
  begin(call: CarrierCall, closing?: AbortController): CallProgress {
    if (this.#closed !== undefined) throw closedError();
    const correlationId = callerCorrelationId(call.correlationId);
    const { signal, timeoutMs } = call;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) {
      throw new LockdConfigError("invalid_option", "timeoutMs must be more than 0 milliseconds");
    }
    return {
      call: { ...call, correlationId },
      signal:
        closing === undefined || signal === undefined
          ? (signal ?? closing?.signal)
          : AbortSignal.any([signal, closing.signal]),
      deadlineMs:
        timeoutMs === undefined ? undefined : this.options.clock.monotonicMs() + timeoutMs,
      outcomeUnknown: false,
      rotation: 0,
    };
  }

  /** One attempt over all endpoints; rejects with a typed error for every failed answer. */
  async attempt<T>(
    wire: WireCall,
    progress: CallProgress,
    decode: (answer: EndpointAnswer) => T,
  ): Promise<T> {
    const { correlationId } = progress.call;
    if (correlationId !== undefined) wire.headers.push("x-correlation-id", correlationId);
    const { traceContext } = this.options;
    if (traceContext !== undefined) await addTrace(wire, traceContext);
    const answer = await this.#failover.attempt(wire, progress);
    const details = {
      operation: wire.operation,
      endpoint: answer.endpoint.url,
      ...(correlationId === undefined ? {} : { correlationId }),
    };
    if (answer.status >= 300) {
      const body = answer.body instanceof Uint8Array ? answer.body : new Uint8Array(0);
      const { outcomeUnknown } = progress;
      throw errorOfAnswer({ ...answer, body }, { ...details, outcomeUnknown });
    }
    try {
      return decode(answer);
    } catch (error) {
      if (!(error instanceof LockdProtocolError)) throw error;
      // The server did what it was asked to, we only cannot read what it says.
      const outcomeUnknown = wire.changes;
      throw new LockdProtocolError("protocol", error.message, { ...details, outcomeUnknown });
    }
  }

  /** Repeats after transport failures and passive nodes, as far as the body can be sent again. */
  async attemptUpdate<T>(
    wire: WireCall,
    progress: CallProgress,
    decode: (answer: EndpointAnswer) => T,
  ): Promise<T> {
    const { clock, failureRetries } = this.options;
    for (let retry = 1; ; retry += 1) {
      let failure: unknown;
      try {
        return await this.attempt({ ...wire, headers: [...wire.headers] }, progress, decode);
      } catch (error) {
        failure = error;
      }
      const passive = failure instanceof LockdApiError && failure.code === "node_passive";
      const unreached = failure instanceof LockdTransportError && !failure.fatal;
      // A passive node did nothing, so even what must not happen twice may be sent again.
      const again = wire.repeatable ? passive || unreached : passive && wire.body?.replayable;
      if (again !== true) throw failure;
      if (failureRetries >= 0 && retry > failureRetries) throw failure;
      const hintMs = failure instanceof LockdApiError ? failure.retryAfterMs : undefined;
      const pauseMs = updatePauseMs(retry, hintMs);
      const leftMs = (progress.deadlineMs ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
      if (pauseMs >= leftMs) throw failure;
      await pause(clock, pauseMs, progress.signal);
    }
  }
}

/** Only waits where there is something to wait for. */
async function addTrace(wire: WireCall, source: TraceContextSource): Promise<void> {
  const context = source();
  if (context === undefined) return;
  wire.headers.push(...traceHeaders(await context));
}

/** What calls on a closed client are told. */
export function closedError(): LockdConfigError {
  return new LockdConfigError("invalid_option", "this client was closed");
}
