import { type ErrorCode, errorEntry, errorRegistry } from "./error-registry.ts";

/** What every lockd error may carry besides its code and message. */
export interface LockdErrorDetails {
  /** The verb that failed: `acquire`, `update`, ... */
  readonly operation?: string;
  readonly endpoint?: string;
  readonly correlationId?: string;
  /** True when the request may have taken effect. */
  readonly outcomeUnknown?: boolean;
  readonly cause?: unknown;
}

/**
 * Base of all expected failures. A broken invariant is never one of these: it is an
 * `AssertionError` and stops the node.
 */
export class LockdError extends Error {
  override readonly name: string = "LockdError";
  readonly code: string;
  readonly operation: string;
  readonly endpoint: string | undefined;
  readonly correlationId: string | undefined;
  readonly outcomeUnknown: boolean;

  constructor(code: string, message: string, details: LockdErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.operation = details.operation ?? "";
    this.endpoint = details.endpoint;
    this.correlationId = details.correlationId;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
  }
}

/** Fields of the error envelope (http-core.md section 5) besides `error` and `detail`. */
export interface ApiErrorDetails extends LockdErrorDetails {
  readonly status?: number;
  readonly leaderEndpoint?: string;
  readonly currentVersion?: number;
  readonly currentEtag?: string;
  /** Milliseconds until a retry makes sense; whole seconds on the wire, rounded up. */
  readonly retryAfterMs?: number;
  readonly qrfState?: string;
  /** Raw body of a non-JSON answer, at most 64 KiB. */
  readonly body?: string;
}

/** An answer that is an error: from a server, or from the engine in this process. */
export class LockdApiError extends LockdError {
  override readonly name: string = "LockdApiError";
  readonly status: number;
  readonly detail: string;
  readonly leaderEndpoint: string | undefined;
  readonly currentVersion: number | undefined;
  readonly currentEtag: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly qrfState: string | undefined;
  readonly body: string | undefined;

  constructor(code: string, detail: string, details: ApiErrorDetails = {}) {
    super(code, detail === "" ? code : `${code}: ${detail}`, details);
    this.status = details.status ?? errorEntry(code)?.status ?? 500;
    this.detail = detail;
    this.leaderEndpoint = details.leaderEndpoint;
    this.currentVersion = details.currentVersion;
    this.currentEtag = details.currentEtag;
    this.retryAfterMs = details.retryAfterMs;
    this.qrfState = details.qrfState;
    this.body = details.body;
  }
}

/** `already_exists`: create-only acquire of a key that exists. */
export class AlreadyExistsError extends LockdApiError {
  override readonly name = "AlreadyExistsError";
}

/** CAS or checksum conditions that did not hold. */
export class ConflictError extends LockdApiError {
  override readonly name = "ConflictError";
}

/** The lease is gone: `lease_required`, `lease_expired`, `fencing_mismatch`. */
export class LeaseLostError extends LockdApiError {
  override readonly name = "LeaseLostError";
  /** True when changes staged by this session were lost with it. */
  readonly staged: boolean;

  constructor(code: string, detail: string, details: ApiErrorDetails & { staged?: boolean } = {}) {
    super(code, detail, details);
    this.staged = details.staged ?? false;
  }
}

/** Other 403 answers. */
export class ForbiddenError extends LockdApiError {
  override readonly name = "ForbiddenError";
}

/** `node_passive`: another node owns the store. */
export class NodePassiveError extends LockdApiError {
  override readonly name = "NodePassiveError";
}

/** Any 429. */
export class ThrottledError extends LockdApiError {
  override readonly name = "ThrottledError";
}

const conflictCodes = new Set([
  "etag_mismatch",
  "version_conflict",
  "expected_bytes_mismatch",
  "expected_sha256_mismatch",
  "namespace_config_conflict",
]);

const leaseLostCodes = new Set(["lease_required", "lease_expired", "fencing_mismatch"]);

/**
 * The error of the right class for a code that came over the wire (or may have).
 *
 * @example throw apiErrorOf("waiting", "orders/1 is held by web-7", { retryAfterMs: 3000 });
 */
export function apiErrorOf(
  code: string,
  detail: string,
  details: ApiErrorDetails & { staged?: boolean } = {},
): LockdApiError {
  const status = details.status ?? errorEntry(code)?.status ?? 500;
  if (code === "already_exists") return new AlreadyExistsError(code, detail, details);
  if (conflictCodes.has(code)) return new ConflictError(code, detail, details);
  if (leaseLostCodes.has(code)) return new LeaseLostError(code, detail, details);
  if (code === "node_passive") return new NodePassiveError(code, detail, details);
  if (status === 429) return new ThrottledError(code, detail, details);
  if (status === 403) return new ForbiddenError(code, detail, details);
  return new LockdApiError(code, detail, details);
}

/** Like {@link apiErrorOf}, for codes of our own registry; the usual way to fail inside lockd. */
export function failure(
  code: ErrorCode,
  detail: string,
  details: ApiErrorDetails & { staged?: boolean } = {},
): LockdApiError {
  return apiErrorOf(code, detail, { status: errorRegistry[code].status, ...details });
}

/** No usable answer from any endpoint. */
export class LockdTransportError extends LockdError {
  override readonly name = "LockdTransportError";
  readonly endpoints: readonly string[];
  readonly fatal: boolean;

  constructor(
    code: "transport" | "tls_fatal" | "truncated",
    message: string,
    details: LockdErrorDetails & { endpoints?: readonly string[] } = {},
  ) {
    super(code, message, details);
    this.endpoints = details.endpoints ?? [];
    this.fatal = code === "tls_fatal";
  }
}

/** A time limit of the SDK passed. */
export class LockdTimeoutError extends LockdError {
  override readonly name = "LockdTimeoutError";
}

/** The caller's mistake; no request was made. */
export class LockdConfigError extends LockdError {
  override readonly name = "LockdConfigError";
}

/** `load` on a key without state. */
export class StateNotFoundError extends LockdError {
  override readonly name = "StateNotFoundError";
}

/** A call on a session that was released. */
export class SessionClosedError extends LockdError {
  override readonly name = "SessionClosedError";
}

/** Reason of a session's signal when its server announced its shutdown. */
export class ServerDrainingError extends LockdError {
  override readonly name = "ServerDrainingError";
}

/** An answer that breaks the protocol. */
export class LockdProtocolError extends LockdError {
  override readonly name = "LockdProtocolError";
}

/** LQL text that does not parse; no request was made. */
export class LqlSyntaxError extends LockdError {
  override readonly name = "LqlSyntaxError";
  /** Offset in the text, in UTF-16 code units from 0. */
  readonly position: number;

  constructor(message: string, details: LockdErrorDetails & { readonly position: number }) {
    super("invalid_lql", message, details);
    this.position = details.position;
  }
}

/** A second, different settling of one message. */
export class MessageSettledError extends LockdError {
  override readonly name = "MessageSettledError";
}
