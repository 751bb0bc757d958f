import { errorEntry } from "../api/error-registry.ts";
import {
  AlreadyExistsError,
  LeaseLostError,
  LockdApiError,
  LockdTransportError,
} from "../api/errors.ts";

/** Nested causes looked at; deeper ones would be a cycle. */
const causeDepthMax = 16;

/** True when sending the same request again can succeed (client-sdk.md section 4). */
export function isRetryable(error: unknown): boolean {
  return some(error, (one) => {
    if (one instanceof LockdTransportError) return !one.fatal;
    if (!(one instanceof LockdApiError)) return false;
    return errorEntry(one.code)?.retryable ?? (one.status === 429 || one.status >= 500);
  });
}

/** True when another node owns the store. */
export function isNodePassive(error: unknown): boolean {
  return some(error, (one) => one instanceof LockdApiError && one.code === "node_passive");
}

/** True when the lease is gone. */
export function isLeaseLost(error: unknown): boolean {
  return some(error, (one) => one instanceof LeaseLostError);
}

/** True when a create-only acquire found the key. */
export function isAlreadyExists(error: unknown): boolean {
  return some(error, (one) => one instanceof AlreadyExistsError);
}

/** Looks at the error, its causes, and the errors of an AggregateError. */
function some(error: unknown, test: (one: unknown) => boolean, depth = 0): boolean {
  if (test(error)) return true;
  if (!(error instanceof Error) || depth >= causeDepthMax) return false;
  if (some(error.cause, test, depth + 1)) return true;
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
  return inner.some((one) => some(one, test, depth + 1));
}
