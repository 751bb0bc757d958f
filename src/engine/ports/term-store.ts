/**
 * Where the terms of a query index are kept, and how far the index has come. A term store is a view
 * of the records that can be made again at any time: losing it loses no data.
 */
import type { IndexPlan } from "../query/index/index-plan.ts";
import type { NamedObject } from "./store.ts";

/** Records read together, and the step of the order of changes they stand for. */
export interface RecordBatch {
  readonly records: readonly NamedObject[];
  /** The cursor the records were read at; undefined: from the beginning. */
  readonly since: string | undefined;
  /** The cursor behind them; equal to `since` when they were read out of order. */
  readonly cursor: string;
  /** Wall time, for the answer about the last publication. */
  readonly nowMs: number;
  /** True when nothing more was known behind them. */
  readonly complete: boolean;
  /** Take every document apart again, whether it seems to have changed or not. */
  readonly force: boolean;
}

/** `overtaken`: the index does not stand at `since`; read its cursor and go on from there. */
export type BatchOutcome = "applied" | "overtaken";

/** How often a namespace was published, and when last. */
export interface Publication {
  readonly seq: number;
  readonly updatedAtMs: number | undefined;
}

/** Keys in byte order; `incomplete` when the index has not seen all records yet. */
export type FoundKeys = (
  | { readonly kind: "keys"; readonly keys: readonly string[]; readonly more: boolean }
  | { readonly kind: "incomplete" }
) & {
  /** What was looked in; never a later one. */
  readonly publication: Publication;
};

export interface KeyLookup {
  readonly namespace: string;
  readonly plan: IndexPlan;
  readonly after: string | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TermStore {
  /** Where the index stands; undefined when it has seen nothing yet. */
  cursor(): Promise<string | undefined>;

  /**
   * Takes in a batch: the terms of its documents replace those they had, and the cursor moves with
   * them, all or nothing. A document that cannot be read becomes a candidate of every query.
   */
  apply(batch: RecordBatch): Promise<BatchOutcome>;

  /**
   * Keys after `after` of documents that may match, in byte order; a superset of those that match.
   */
  find(lookup: KeyLookup): Promise<FoundKeys>;

  status(namespace: string): Promise<Publication>;

  /** Forgets everything: what the index was made from is not the store it is used with. */
  renew(): Promise<void>;

  /** Claims the rebuild of a namespace until `untilMs`; false when somebody else does it. */
  claimRebuild(
    namespace: string,
    claim: { readonly nowMs: number; readonly untilMs: number },
  ): Promise<boolean>;

  endRebuild(namespace: string): Promise<void>;

  /** Deletes pieces of former publications; absent where a publication leaves none behind. */
  tidy?(): Promise<void>;

  close(): Promise<void>;
}
