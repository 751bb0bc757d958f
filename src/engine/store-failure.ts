import type { ErrorCode } from "../api/error-registry.ts";
import { failure, LockdError } from "../api/errors.ts";
import { StoreFailure, type StoreFailureKind } from "./ports/store.ts";

const codeOfKind: Readonly<Record<StoreFailureKind, ErrorCode>> = {
  full: "store_full",
  read_only: "store_read_only",
  owned: "store_owned",
  unavailable: "store_unavailable",
  failed: "store_failed",
  corrupt: "store_corrupt",
  closed: "store_unavailable",
};

/** The error callers see for a failed store call; other errors pass through unchanged. */
export function engineErrorOf(error: unknown): unknown {
  if (!(error instanceof StoreFailure)) return error;
  return failure(codeOfKind[error.kind], error.message, { cause: error });
}

/** True when one stored object is damaged, or of a format that is not known: others may be fine. */
export function isDamage(error: unknown): boolean {
  if (error instanceof StoreFailure) return error.kind === "corrupt";
  return error instanceof LockdError && error.code === "store_corrupt";
}

/**
 * What one stored object says, or what is wrong with it: in a list a damaged one must not hide the
 * others. @throws whatever is not about this one object
 */
export function unlessDamaged<Value>(
  read: () => Value,
): { readonly value: Value } | { readonly damage: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { damage: error instanceof Error ? error.message : String(error) };
  }
}

/** Runs a store call and translates its failure. */
export async function callStore<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw engineErrorOf(error);
  }
}
