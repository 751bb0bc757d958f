import { LockdProtocolError } from "../api/errors.ts";

/** Headers of an answer, names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A header's first value. */
export function headerText(headers: AnswerHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/**
 * A header that must be a decimal integer when it is there.
 * @throws LockdProtocolError when it is something else or beyond 2^53 - 1
 */
export function headerDecimal(headers: AnswerHeaders, name: string): number | undefined {
  const text = headerText(headers, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,19}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new LockdProtocolError(
    "protocol",
    `the answer's header ${name} is not an integer this client can hold: "${text.slice(0, 40)}"`,
  );
}

const truthy = new Set(["1", "true", "yes", "on"]);

/** True when the answering server says that it is about to shut down. */
export function isDraining(headers: AnswerHeaders): boolean {
  const value = headerText(headers, "shutdown-imminent");
  return value !== undefined && truthy.has(value.trim().toLowerCase());
}
