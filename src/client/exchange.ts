import { LockdProtocolError, LockdTransportError } from "../api/errors.ts";
import type { BodyOut } from "../api/lockd.ts";
import { type AnswerHeaders, headerText } from "./answer-headers.ts";
import { AnswerStream } from "./answer-stream.ts";
import type { ClientClock } from "./client-ports.ts";
import type { AnswerController, AnswerHandler, RequestDispatcher } from "./request-dispatcher.ts";

/** One request to one endpoint. */
export interface ExchangeRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Longer answers are streamed when `mayStream`, and break the protocol otherwise. */
  readonly collectBytesMax: number;
  /** `always`: short ones too, as what arrived of a broken one is of use. */
  readonly mayStream: boolean | "always";
}

export interface ExchangeLimits {
  readonly clock: ClientClock;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds until the answer must be there; undefined for no limit. */
  readonly limitMs: number | undefined;
  /** True when the limit also holds while a streamed body is read. */
  readonly limitCoversStream: boolean;
}

/** A complete answer, or the head of a streamed one. */
export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: BodyOut;
}

/** Why there was no answer. */
export interface ExchangeFault {
  readonly kind: "fault";
  /** False when certainly no byte of the request was sent. */
  readonly sent: boolean;
  readonly reason: "connection" | "truncated" | "time";
  readonly cause: unknown;
}

/**
 * Sends one request and reads its answer. Resolves with the answer or a fault; rejects with the
 * signal's reason, or with an error when the answer breaks the protocol.
 */
export function exchange(
  dispatcher: RequestDispatcher,
  request: ExchangeRequest,
  limits: ExchangeLimits,
): Promise<ExchangeAnswer | ExchangeFault> {
  const running = new RunningExchange(request, limits);
  if (limits.signal?.aborted === true) return Promise.reject(limits.signal.reason);
  running.watchLimits();
  dispatcher.dispatch(
    {
      method: request.method,
      path: request.path,
      headers: request.headers,
      body: request.body ?? null,
    },
    running,
  );
  return running.outcome;
}

/** Where the answer goes: nowhere yet, into memory, or into a stream that was handed out. */
type Mode =
  | { readonly kind: "waiting" }
  | { readonly kind: "collecting"; readonly status: number; readonly headers: AnswerHeaders }
  | { readonly kind: "streaming"; readonly stream: AnswerStream }
  | { readonly kind: "over" };

class RunningExchange implements AnswerHandler {
  readonly outcome: Promise<ExchangeAnswer | ExchangeFault>;
  readonly #request: ExchangeRequest;
  readonly #limits: ExchangeLimits;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #mode: Mode = { kind: "waiting" };
  #controller: AnswerController | undefined;
  #started = false;
  #timer: { cancel(): void } | undefined;
  #resolve: (answer: ExchangeAnswer | ExchangeFault) => void = () => {};
  #reject: (reason: unknown) => void = () => {};

  constructor(request: ExchangeRequest, limits: ExchangeLimits) {
    this.#request = request;
    this.#limits = limits;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  watchLimits(): void {
    const { clock, limitMs, signal } = this.#limits;
    signal?.addEventListener("abort", this.#aborted, { once: true });
    if (limitMs !== undefined) this.#timer = clock.schedule(limitMs, this.#timedOut);
  }

  onRequestStart(controller: AnswerController): void {
    this.#controller = controller;
    // Given up while the connection was made: stop before the first byte.
    if (this.#mode.kind === "over") controller.abort(new Error("the request was given up"));
    else this.#started = true;
  }

  onResponseStart(controller: AnswerController, status: number, headers: AnswerHeaders): void {
    if (status < 200 || this.#mode.kind !== "waiting") return;
    const length = Number(headerText(headers, "content-length") ?? Number.NaN);
    const { collectBytesMax, mayStream } = this.#request;
    const short = (length <= collectBytesMax && mayStream !== "always") || status === 204;
    if (short || mayStream === false || status !== 200) {
      this.#mode = { kind: "collecting", status, headers };
      return;
    }
    const stream = new AnswerStream(controller, () => this.#release());
    this.#mode = { kind: "streaming", stream };
    if (!this.#limits.limitCoversStream) this.#timer?.cancel();
    this.#resolve({ status, headers, body: stream });
  }

  onResponseData(_controller: AnswerController, chunk: Uint8Array): void {
    if (this.#mode.kind === "streaming") {
      this.#mode.stream.push(chunk);
      return;
    }
    if (this.#mode.kind !== "collecting") return;
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#request.collectBytesMax) {
      this.#giveUp(
        new LockdProtocolError(
          "protocol",
          `the answer is longer than ${this.#request.collectBytesMax} bytes`,
        ),
      );
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(_controller: AnswerController, trailers: AnswerHeaders): void {
    const mode = this.#mode;
    if (mode.kind === "streaming") mode.stream.complete(trailers);
    if (mode.kind !== "collecting") return;
    this.#mode = { kind: "over" };
    this.#release();
    this.#resolve({ status: mode.status, headers: mode.headers, body: this.#collected() });
  }

  onResponseError(_controller: AnswerController, cause: unknown): void {
    const mode = this.#mode;
    if (mode.kind === "over") return;
    this.#mode = { kind: "over" };
    this.#release();
    if (mode.kind === "streaming") {
      const message = "the answer broke off before its end";
      mode.stream.fail(new LockdTransportError("truncated", message, { cause }));
      return;
    }
    const reason = mode.kind === "collecting" ? "truncated" : "connection";
    this.#resolve({ kind: "fault", sent: this.#started, reason, cause });
  }

  #collected(): Uint8Array {
    const only = this.#chunks[0];
    return this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
  }

  readonly #aborted = (): void => {
    this.#giveUp(this.#limits.signal?.reason);
  };

  readonly #timedOut = (): void => {
    const mode = this.#mode;
    const cause = new Error(`no complete answer within ${this.#limits.limitMs} ms`);
    if (mode.kind === "over") return;
    if (mode.kind === "streaming") {
      this.#giveUp(new LockdTransportError("truncated", cause.message));
      return;
    }
    this.#resolve({ kind: "fault", sent: this.#started, reason: "time", cause });
    this.#giveUp(cause);
  };

  /** Ends this exchange from our side: the reader gets `reason`, the connection is cut. */
  #giveUp(reason: unknown): void {
    const mode = this.#mode;
    if (mode.kind === "over") return;
    this.#mode = { kind: "over" };
    this.#release();
    if (mode.kind === "streaming") mode.stream.fail(reason);
    else this.#reject(reason);
    this.#controller?.abort(reason instanceof Error ? reason : new Error("the call was aborted"));
  }

  #release(): void {
    this.#timer?.cancel();
    this.#limits.signal?.removeEventListener("abort", this.#aborted);
  }
}
