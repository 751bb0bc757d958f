import { LockdApiError, LockdError } from "../api/errors.ts";
import type { Exchange } from "./exchange.ts";

/** What is told to the client of any failure: the envelope of http-core.md section 5. */
interface ErrorAnswer {
  readonly status: number;
  readonly body: Record<string, string | number>;
  readonly headers: string[];
}

/** Only expected failures are told in detail; the rest must not leak internals. */
export function isExpected(error: unknown): error is LockdError {
  return error instanceof LockdError;
}

export function errorAnswer(error: unknown): ErrorAnswer {
  if (!(error instanceof LockdApiError)) {
    const body = { error: "internal_error", detail: "internal server error" };
    return { status: 500, body, headers: [] };
  }
  const body: Record<string, string | number> = { error: error.code };
  const headers: string[] = [];
  if (error.detail !== "") body.detail = error.detail;
  if (present(error.leaderEndpoint)) body.leader_endpoint = error.leaderEndpoint ?? "";
  if (present(error.currentVersion)) body.current_version = error.currentVersion ?? 0;
  if (present(error.currentEtag)) body.current_etag = error.currentEtag ?? "";
  if (present(error.retryAfterMs)) {
    const seconds = Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1000));
    body.retry_after_seconds = seconds;
    headers.push("Retry-After", String(seconds));
  }
  if (present(error.qrfState)) headers.push("X-Lockd-QRF-State", error.qrfState ?? "");
  return { status: error.status, body, headers };
}

/** Fields that are zero or empty are omitted. */
function present(value: string | number | undefined): boolean {
  return value !== undefined && value !== 0 && value !== "";
}

/** Answers a failure; a stream that has begun is cut instead. */
export function sendError(exchange: Exchange, error: unknown): ErrorAnswer {
  const answer = errorAnswer(error);
  // A failure that is about a message carries the message's id (http-queue.md 1.5).
  if (isExpected(error) && error.correlationId !== undefined) {
    exchange.answeredId = error.correlationId;
  }
  if (exchange.response.headersSent) exchange.response.destroy();
  else exchange.json(answer.status, JSON.stringify(answer.body), answer.headers);
  return answer;
}
