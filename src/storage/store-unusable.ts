import { failure, LockdError } from "../api/errors.ts";
import { StoreFailure } from "../engine/ports/store.ts";

/** What opening a store failed with, as an error that names the place and the reason. */
export function errorOfStore(place: string, error: unknown): unknown {
  if (error instanceof LockdError) return error;
  if (error instanceof StoreFailure) {
    return failure("store_unusable", `${place} cannot be used: ${error.message}`, { cause: error });
  }
  return error;
}
