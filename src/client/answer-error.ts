import {
  type ApiErrorDetails,
  apiErrorOf,
  type LockdApiError,
  type LockdErrorDetails,
} from "../api/errors.ts";
import { type AnswerHeaders, headerText } from "./answer-headers.ts";
import { receivedCorrelationId } from "./correlation-id.ts";
import { utf8Text } from "./json-answer.ts";
import { errorBodyBytesMax } from "./limits.ts";
import { parseRetryAfter } from "./retry-after.ts";

/** An answer whose status says that the call failed. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Uint8Array;
}

/** The envelope of http-core.md section 5; undefined when the body is something else. */
export function errorEnvelope(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (body.byteLength === 0 || body.byteLength > errorBodyBytesMax) return undefined;
  try {
    const value: unknown = JSON.parse(utf8Text(body));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject && "error" in value && typeof value.error === "string") return { ...value };
  } catch {
    // Not JSON: a proxy's page or a broken server. The caller gets the raw text.
  }
  return undefined;
}

/** True for the two forms of "ask another node" (client-sdk.md section 3). */
export function isPassiveAnswer(answer: FailedAnswer): boolean {
  if (answer.status !== 503) return false;
  return answer.body.byteLength === 0 || errorEnvelope(answer.body)?.error === "node_passive";
}

/** The typed error of a failed answer. */
export function errorOfAnswer(answer: FailedAnswer, details: LockdErrorDetails): LockdApiError {
  const envelope = errorEnvelope(answer.body);
  const common = {
    ...details,
    ...optional("correlationId", correlationOf(answer) ?? details.correlationId),
    ...optional("qrfState", headerText(answer.headers, "x-lockd-qrf-state")?.toLowerCase()),
    status: answer.status,
  };
  if (envelope === undefined) {
    const code = isPassiveAnswer(answer) ? "node_passive" : `http_${answer.status}`;
    const body = utf8Text(answer.body.subarray(0, errorBodyBytesMax));
    const hint = optional("retryAfterMs", retryAfterOf(answer, undefined));
    return apiErrorOf(code, oneLine(body), { ...common, ...hint, body });
  }
  return apiErrorOf(text(envelope.error) ?? "", text(envelope.detail) ?? "", {
    ...common,
    ...optional("retryAfterMs", retryAfterOf(answer, envelope.retry_after_seconds)),
    ...optional("leaderEndpoint", text(envelope.leader_endpoint)),
    ...optional("currentVersion", integer(envelope.current_version)),
    ...optional("currentEtag", text(envelope.current_etag)),
  });
}

function correlationOf(answer: FailedAnswer): string | undefined {
  return receivedCorrelationId(headerText(answer.headers, "x-correlation-id"));
}

function retryAfterOf(answer: FailedAnswer, inBody: unknown): number | undefined {
  const inHeader = parseRetryAfter(headerText(answer.headers, "retry-after"));
  if (inHeader !== undefined) return inHeader;
  if (typeof inBody !== "number" || !Number.isFinite(inBody)) return undefined;
  return Math.max(0, Math.ceil(inBody * 1_000));
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

function optional<K extends keyof (ApiErrorDetails & LockdErrorDetails), V>(
  name: K,
  value: V | undefined,
): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}

/** The first words of a foreign body, good enough to recognise who answered. */
function oneLine(body: string): string {
  const start = body.slice(0, 120).replaceAll(/\s+/g, " ").trim();
  return start === "" ? "the answer has no body" : `the answer is not of lockd: ${start}`;
}
