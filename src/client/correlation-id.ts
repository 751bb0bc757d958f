import { LockdConfigError } from "../api/errors.ts";
import { correlationIdLengthMax } from "./limits.ts";

const printable = /^[\x20-\x7e]+$/;

/** True for 1 to 128 printable ASCII characters after trimming. */
export function isValidCorrelationId(text: string): boolean {
  const trimmed = text.trim();
  return trimmed.length <= correlationIdLengthMax && printable.test(trimmed);
}

/**
 * The id to send for what a caller gave; undefined when none was given.
 * @throws LockdConfigError when it cannot be sent
 */
export function callerCorrelationId(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  if (isValidCorrelationId(given)) return given.trim();
  throw new LockdConfigError(
    "invalid_option",
    "the correlation id must be 1 to 128 printable ASCII characters",
  );
}

/** An id from an answer; an invalid one is ignored. */
export function receivedCorrelationId(given: string | undefined): string | undefined {
  return given !== undefined && isValidCorrelationId(given) ? given.trim() : undefined;
}
