import type { LockdApiError } from "../api/errors.ts";
import type { KeyRecord } from "./record/key-record.ts";

/**
 * What a pure transition decided. The shell (`record-shell.ts`) carries it out: it writes `next`
 * with compare-and-swap and re-decides on the fresh record when somebody else was faster.
 */
export type Decision<Answer> =
  /** Nothing to write. */
  | { readonly kind: "keep"; readonly answer: Answer }
  /** Write, then answer. */
  | {
      readonly kind: "write";
      readonly next: KeyRecord;
      readonly answer: Answer;
      /** State objects that nothing points at once `next` is durable. */
      readonly garbage: readonly string[];
    }
  /** Refuse; with `next` the record is cleaned first (an expired lease is cleared either way). */
  | {
      readonly kind: "refuse";
      readonly error: LockdApiError;
      readonly next: KeyRecord | undefined;
      readonly garbage: readonly string[];
    };

export const noGarbage: readonly string[] = [];

export function keep<Answer>(answer: Answer): Decision<Answer> {
  return { kind: "keep", answer };
}

export function write<Answer>(
  next: KeyRecord,
  answer: Answer,
  garbage: readonly string[] = noGarbage,
): Decision<Answer> {
  return { kind: "write", next, answer, garbage };
}

export function refuse(error: LockdApiError, cleaned?: Cleaned): Decision<never> {
  return cleaned === undefined
    ? { kind: "refuse", error, next: undefined, garbage: noGarbage }
    : { kind: "refuse", error, next: cleaned.record, garbage: cleaned.garbage };
}

/** A record after its expired lease was cleared. */
export interface Cleaned {
  readonly record: KeyRecord;
  readonly garbage: readonly string[];
}
