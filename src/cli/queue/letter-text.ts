import type { DeadLetter } from "../../api/queues.ts";
import { isoTime } from "../lease-output.ts";
import { columns } from "./table-text.ts";

/** Characters of a reason in a table; all of it is in the JSON form and in `dlq show`. */
const reasonLengthMax = 60;

export function letterJson(letter: DeadLetter) {
  return {
    message_id: letter.messageId,
    attempts: letter.attempts,
    failure_attempts: letter.failureAttempts,
    max_attempts: letter.maxAttempts,
    enqueued_at_unix: letter.enqueuedAtUnix,
    died_at_unix: letter.diedAtUnix,
    attributes: letter.attributes,
    payload_content_type: letter.payloadContentType,
    payload_bytes: letter.payloadBytes,
    correlation_id: letter.correlationId,
    last_error: letter.lastError,
  };
}

export function letterTable(letters: readonly DeadLetter[]): string {
  if (letters.length === 0) return "";
  const head = ["MESSAGE", "DIED", "ATTEMPTS", "FAILED", "BYTES", "REASON"];
  const rows = letters.map((letter) => [
    letter.messageId,
    isoTime(letter.diedAtUnix),
    String(letter.attempts),
    String(letter.failureAttempts),
    String(letter.payloadBytes),
    shortened(reasonText(letter.lastError)),
  ]);
  return columns([head, ...rows]);
}

/** What went wrong last, on one line; what our own commands and SDK leave is unwrapped. */
export function reasonText(error: unknown): string {
  if (typeof error !== "object" || error === null) return oneLine(error);
  const { reason, previous, detail, message } = error as Readonly<Record<string, unknown>>;
  const inner = previous ?? detail ?? message;
  if (inner === undefined) return oneLine(reason ?? error);
  const text = reasonText(inner);
  return reason === undefined ? text : `${oneLine(reason)}: ${text}`;
}

function oneLine(value: unknown): string {
  if (value === undefined || value === null) return "-";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.replace(/\s+/g, " ").trim();
}

function shortened(text: string): string {
  return text.length > reasonLengthMax ? `${text.slice(0, reasonLengthMax - 1)}…` : text;
}
