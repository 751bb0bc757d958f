import {
  LockdApiError,
  LockdConfigError,
  LockdProtocolError,
  LockdTransportError,
} from "../api/errors.ts";
import type {
  AcquireRequest,
  AcquireResult,
  BodyIn,
  DescribeResult,
  GetRequest,
  KeepAliveRequest,
  KeepAliveResult,
  KeyAddress,
  Lockd,
  ReleaseRequest,
  ReleaseResult,
  RemoveRequest,
  RemoveResult,
  StateResult,
  StatusResult,
  UpdateMetadataRequest,
  UpdateMetadataResult,
  UpdateRequest,
  UpdateResult,
} from "../api/lockd.ts";
import { acquireWaiting } from "./acquire-loop.ts";
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
import { OutgoingBody } from "./outgoing-body.ts";
import { pause } from "./pause.ts";
import * as answers from "./wire-answer.ts";
import {
  acquireBody,
  jsonBytes,
  keepAliveBody,
  releaseBody,
  WireRequests,
} from "./wire-request.ts";

/**
 * lockd over HTTP: failover among endpoints, retries where the contract allows them, typed errors
 * (client-sdk.md sections 2 to 4). An acquire whose wait is over rejects with code `waiting`.
 *
 * @example const lockd = new HttpLockd({ endpoints: "unix:///run/lockd.sock" });
 */
export class HttpLockd implements Lockd {
  readonly #options: ResolvedHttpOptions;
  readonly #requests: WireRequests;
  readonly #connections: Connections;
  readonly #failover: Failover;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  /** Makes no request. @throws LockdConfigError */
  constructor(options: HttpLockdOptions) {
    this.#options = resolveHttpOptions(options);
    this.#requests = new WireRequests(this.#options);
    this.#connections = new Connections({
      library: this.#options.httpLibrary,
      connectTimeoutMs: this.#options.httpTimeoutMs,
    });
    this.#failover = new Failover({ ...this.#options, connections: this.#connections });
  }

  /** URLs of the endpoints as they are tried without shuffling. */
  get endpoints(): readonly string[] {
    return this.#options.endpoints.map((endpoint) => endpoint.url);
  }

  async acquire(request: AcquireRequest, call: CarrierCall = {}): Promise<AcquireResult> {
    const progress = this.#begin(call, request.blockSeconds === -1 ? undefined : this.#closing);
    return await acquireWaiting({
      ...this.#options,
      blockSeconds: request.blockSeconds,
      backoff: { ...this.#options.backoff, ...call.backoff },
      progress,
      attempt: async (blockSeconds) => {
        const body = new OutgoingBody(acquireBody(request, blockSeconds));
        const wire = this.#requests.acquire(request, blockSeconds, body);
        return await this.#attempt(wire, progress, answers.acquireResult);
      },
    });
  }

  async keepAlive(request: KeepAliveRequest, call: CarrierCall = {}): Promise<KeepAliveResult> {
    const wire = this.#requests.keepAlive(request, new OutgoingBody(keepAliveBody(request)));
    return await this.#attempt(wire, this.#begin(call), (answer) =>
      answers.keepAliveResult(answer, request.fencingToken),
    );
  }

  async release(request: ReleaseRequest, call: CarrierCall = {}): Promise<ReleaseResult> {
    const wire = this.#requests.release(request, new OutgoingBody(releaseBody(request)));
    return await this.#attempt(wire, this.#begin(call), answers.releaseResult);
  }

  async get(request: GetRequest, call: CarrierCall = {}): Promise<StateResult> {
    return await this.#attempt(this.#requests.get(request), this.#begin(call), answers.stateResult);
  }

  /** Repeated after a lost answer when the body can be read again (bytes, `ReplayableBody`). */
  async update(
    request: UpdateRequest,
    body: BodyIn,
    call: CarrierCall = {},
  ): Promise<UpdateResult> {
    const wire = this.#requests.update(request, new OutgoingBody(body));
    return await this.#attemptUpdate(wire, this.#begin(call), (answer) =>
      answers.updateResult(answer, request.fencingToken),
    );
  }

  async remove(request: RemoveRequest, call: CarrierCall = {}): Promise<RemoveResult> {
    return await this.#attempt(this.#requests.remove(request), this.#begin(call), (answer) =>
      answers.removeResult(answer, request.fencingToken),
    );
  }

  async updateMetadata(
    request: UpdateMetadataRequest,
    call: CarrierCall = {},
  ): Promise<UpdateMetadataResult> {
    const { queryHidden } = request;
    const patch = typeof queryHidden === "boolean" ? { query_hidden: queryHidden } : {};
    const body = new OutgoingBody(jsonBytes(patch));
    const wire = this.#requests.updateMetadata(request, body);
    return await this.#attempt(wire, this.#begin(call), (answer) =>
      answers.updateMetadataResult(answer, request.fencingToken),
    );
  }

  async describe(request: KeyAddress, call: CarrierCall = {}): Promise<DescribeResult> {
    return await this.#attempt(
      this.#requests.describe(request),
      this.#begin(call),
      answers.describeResult,
    );
  }

  /** Falls back to describe when the server does not know the extension. */
  async status(request: KeyAddress, call: CarrierCall = {}): Promise<StatusResult> {
    const progress = this.#begin(call);
    try {
      return await this.#attempt(this.#requests.status(request), progress, answers.statusResult);
    } catch (error) {
      const unknownPath = error instanceof LockdApiError && error.status === 404;
      if (!unknownPath) throw error;
    }
    const wire = this.#requests.describe(request);
    const description = await this.#attempt(wire, progress, answers.describeResult);
    return answers.statusOfDescription(description, this.#options.clock.wallMs());
  }

  /** Ends waiting acquires, lets other running calls finish in closeTimeoutMs, then cuts them. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown();
    return this.#closed;
  }

  async #shutDown(): Promise<void> {
    const { clock, closeTimeoutMs } = this.#options;
    this.#closing.abort(closedError());
    const enough = new AbortController();
    const drained = this.#connections.drain().then(() => enough.abort());
    await pause(clock, closeTimeoutMs, enough.signal).catch(() => {});
    await this.#connections.destroy();
    await drained;
  }

  #begin(call: CarrierCall, closing?: AbortController): CallProgress {
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
        timeoutMs === undefined ? undefined : this.#options.clock.monotonicMs() + timeoutMs,
      outcomeUnknown: false,
      rotation: 0,
    };
  }

  /** One attempt over all endpoints; rejects with a typed error for every failed answer. */
  async #attempt<T>(
    wire: WireCall,
    progress: CallProgress,
    decode: (answer: EndpointAnswer) => T,
  ): Promise<T> {
    const { correlationId } = progress.call;
    if (correlationId !== undefined) wire.headers.push("x-correlation-id", correlationId);
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
  async #attemptUpdate<T>(
    wire: WireCall,
    progress: CallProgress,
    decode: (answer: EndpointAnswer) => T,
  ): Promise<T> {
    const { clock, failureRetries } = this.#options;
    for (let retry = 1; ; retry += 1) {
      let failure: unknown;
      try {
        return await this.#attempt({ ...wire, headers: [...wire.headers] }, progress, decode);
      } catch (error) {
        failure = error;
      }
      const passive = failure instanceof LockdApiError && failure.code === "node_passive";
      const unreached = failure instanceof LockdTransportError && !failure.fatal;
      if (!(passive || unreached) || !wire.repeatable) throw failure;
      if (failureRetries >= 0 && retry > failureRetries) throw failure;
      const hintMs = failure instanceof LockdApiError ? failure.retryAfterMs : undefined;
      const pauseMs = updatePauseMs(retry, hintMs);
      const leftMs = (progress.deadlineMs ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
      if (pauseMs >= leftMs) throw failure;
      await pause(clock, pauseMs, progress.signal);
    }
  }
}

function closedError(): LockdConfigError {
  return new LockdConfigError("invalid_option", "this client was closed");
}
