/** How a failed command ends: one line or one JSON object on stderr, and the exit code. */
import { type ExitCode, errorEntry, exitCodes } from "../api/error-registry.ts";
import { LockdApiError, LockdError } from "../api/errors.ts";
import { PartlyDone } from "./partly-done.ts";
import { plainLines, plainText } from "./plain-text.ts";
import { Interrupted } from "./usage-error.ts";

export interface FailureReport {
  readonly exitCode: number;
  /** For people: the error, and what to do next. */
  readonly text: string;
  /** For programs (cli.md section 5). */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Classified by the code first, then by the HTTP status. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) {
    return error.signalName === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated;
  }
  if (!(error instanceof LockdError)) return exitCodes.error;
  const entry = errorEntry(error.code);
  if (entry !== undefined) return entry.exit;
  return error instanceof LockdApiError ? exitCodeOfStatus(error.status) : exitCodes.error;
}

function exitCodeOfStatus(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.denied;
  if (status === 404) return exitCodes.notFound;
  if (status === 409) return exitCodes.conflict;
  if (status === 429) return exitCodes.throttled;
  if ([400, 405, 413, 415, 422].includes(status)) return exitCodes.rejected;
  if ([502, 503, 504].includes(status)) return exitCodes.unavailable;
  return exitCodes.error;
}

export function failureReport(error: unknown): FailureReport {
  if (error instanceof PartlyDone) return partlyDoneReport(error);
  const exitCode = exitCodeOf(error);
  if (!(error instanceof LockdError)) {
    const detail = error instanceof Error ? error.message : String(error);
    return {
      exitCode,
      text: `lockd: internal: ${plainLines(detail)}\n`,
      json: { error: "internal", detail, exit_code: exitCode },
    };
  }
  const detail = detailOf(error);
  const next = errorEntry(error.code)?.next;
  const api = error instanceof LockdApiError ? error : undefined;
  const retryAfter = api?.retryAfterMs;
  // An answer's detail is another one's text; a message of our own may have several lines.
  const shown = error instanceof LockdApiError ? plainText(detail) : plainLines(detail);
  const lines = [`lockd: ${plainText(error.code)}: ${shown}`];
  if (retryAfter !== undefined && retryAfter > 0) {
    lines.push(`retry after ${Math.ceil(retryAfter / 1000)}s`);
  }
  if (next !== undefined && error.code !== "usage") lines.push(`next: ${next}`);
  return {
    exitCode,
    text: `${lines.join("\n")}\n`,
    json: {
      error: error.code,
      detail,
      status: api?.status === 0 ? undefined : api?.status,
      exit_code: exitCode,
      current_version: api?.currentVersion,
      current_etag: api?.currentEtag === "" ? undefined : api?.currentEtag,
      leader_endpoint: api?.leaderEndpoint,
      retry_after_seconds: retryAfter === undefined ? undefined : Math.ceil(retryAfter / 1000),
      qrf_state: api?.qrfState,
      endpoint: error.endpoint,
      correlation_id: error.correlationId,
      outcome_unknown: error.outcomeUnknown ? true : undefined,
    },
  };
}

/** As the cause, and how far it came. */
function partlyDoneReport(error: PartlyDone): FailureReport {
  const { cause, member, count } = error.part;
  const report = failureReport(cause);
  const text = `${report.text}${error.text}\n`;
  return { ...report, text, json: { ...report.json, [member]: count } };
}

/** The message without the code in front of it. */
function detailOf(error: LockdError): string {
  if (error instanceof LockdApiError) return error.detail === "" ? "no detail" : error.detail;
  return error.message;
}
