import { LockdConfigError } from "../api/errors.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import type { CallBackoff } from "./carrier-call.ts";
import {
  type ClientClock,
  type ClientRandom,
  systemClientClock,
  systemClientRandom,
} from "./client-ports.ts";
import type { HttpLibrary } from "./connections.ts";
import {
  type Endpoint,
  type EndpointOptions,
  parseEndpoints,
  socketEndpoint,
} from "./endpoints.ts";
import {
  acquireBackoffDefault,
  closeTimeoutMsDefault,
  failureRetriesDefault,
  httpTimeoutMsDefault,
  httpTimeoutMsSeveral,
  keepAliveTimeoutMsDefault,
} from "./limits.ts";
import type { TraceContextSource } from "./trace-context.ts";

/** How to reach servers. Everything but the endpoints has a default (client-sdk.md section 2). */
export interface HttpLockdOptions extends EndpointOptions {
  /** Comma list or array; required unless a socket is given. */
  readonly endpoints?: string | readonly string[] | undefined;
  /** Path of a unix socket, taken as it is, in place of endpoints. */
  readonly socketPath?: string | undefined;
  /** Random endpoint order per request; true. */
  readonly shuffle?: boolean | undefined;
  /** Retries of section 4; negative is unlimited; 5. */
  readonly failureRetries?: number | undefined;
  /** Milliseconds for one try; 15 000, or 3 000 with several endpoints. */
  readonly httpTimeoutMs?: number | undefined;
  /** Milliseconds for one keepalive, never above closeTimeoutMs; 5 000. */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** Milliseconds that `close` lets running requests take; 5 000. */
  readonly closeTimeoutMs?: number | undefined;
  /** What sends the requests; `undici`. They behave alike, their costs differ. */
  readonly httpLibrary?: HttpLibrary | undefined;
  /** Pauses of a waiting acquire. */
  readonly backoff?: Partial<CallBackoff> | undefined;
  readonly clock?: ClientClock | undefined;
  readonly random?: ClientRandom | undefined;
  /** Told of every answer with its lower-cased headers: drain announcements and the like. */
  readonly onAnswer?: ((endpoint: string, headers: AnswerHeaders) => void) | undefined;
  /** The trace each request belongs to; none unless given. */
  readonly traceContext?: TraceContextSource | undefined;
}

/** Complete and checked. */
export interface ResolvedHttpOptions {
  readonly endpoints: readonly Endpoint[];
  readonly shuffle: boolean;
  readonly httpLibrary: HttpLibrary;
  readonly httpTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly failureRetries: number;
  readonly backoff: CallBackoff;
  readonly clock: ClientClock;
  readonly random: ClientRandom;
  readonly onAnswer: ((endpoint: string, headers: AnswerHeaders) => void) | undefined;
  readonly traceContext: TraceContextSource | undefined;
}

/** @throws LockdConfigError for values that make no sense */
export function resolveHttpOptions(options: HttpLockdOptions): ResolvedHttpOptions {
  const endpoints =
    options.socketPath === undefined
      ? parseEndpoints(options.endpoints ?? "", options)
      : [socketEndpoint(options.socketPath)];
  const several = endpoints.length > 1 ? httpTimeoutMsSeveral : httpTimeoutMsDefault;
  const closeTimeoutMs = positive("closeTimeoutMs", options.closeTimeoutMs, closeTimeoutMsDefault);
  const keepAlive = positive(
    "keepAliveTimeoutMs",
    options.keepAliveTimeoutMs,
    keepAliveTimeoutMsDefault,
  );
  const failureRetries = options.failureRetries ?? failureRetriesDefault;
  if (!Number.isInteger(failureRetries)) {
    throw new LockdConfigError("invalid_option", "failureRetries must be an integer");
  }
  return {
    endpoints,
    shuffle: options.shuffle ?? true,
    httpLibrary: options.httpLibrary ?? "undici",
    httpTimeoutMs: positive("httpTimeoutMs", options.httpTimeoutMs, several),
    keepAliveTimeoutMs: Math.min(keepAlive, closeTimeoutMs),
    closeTimeoutMs,
    failureRetries,
    backoff: { ...acquireBackoffDefault, failureRetries, ...options.backoff },
    clock: options.clock ?? systemClientClock(),
    random: options.random ?? systemClientRandom(),
    onAnswer: options.onAnswer,
    traceContext: options.traceContext,
  };
}

function positive(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (value > 0) return value;
  throw new LockdConfigError("invalid_option", `${name} must be more than 0 milliseconds`);
}
