import type { CheckedSelector } from "../../lql/selector/selector.ts";

/** How a rebuild treats what it replaces. */
export interface RebuildOptions {
  /** Delete what the new index no longer needs; true unless told otherwise. */
  readonly cleanup: boolean;
  /** Milliseconds the old pieces stay for queries that still read them. */
  readonly cleanupDelayMs: number;
  readonly signal?: AbortSignal;
  /** Told of documents done so far, now and then. */
  readonly onProgress?: (documents: number) => void;
}

/** Where a namespace's index stands; `pending` counts documents committed but not in it. */
export interface IndexStand {
  readonly seq: number;
  readonly updatedAtMs: number | undefined;
  readonly pending: number;
}

/** Keys that may match, and the index they come from as it stood then. */
export interface CandidatePage {
  readonly keys: readonly string[];
  readonly more: boolean;
  readonly stand: IndexStand;
}

/** Where candidate keys come from. Supersets are fine, misses are not (within what it has seen). */
export interface NamespaceIndex {
  /**
   * Keys in byte order strictly after `after` that may match; at most `limit`. Each candidate is
   * checked against the committed document by the executor. A page without keys is the last.
   */
  candidates(query: {
    readonly namespace: string;
    readonly selector: CheckedSelector;
    readonly after: string | undefined;
    readonly limit: number;
    readonly signal?: AbortSignal;
  }): Promise<CandidatePage>;

  status(namespace: string): Promise<IndexStand>;

  /** Everything committed on this store before the call is findable when it resolves. */
  flush(namespace: string, signal?: AbortSignal): Promise<{ readonly seq: number }>;

  /** Makes the namespace's index anew; queries use the old one until it is there. */
  rebuild(
    namespace: string,
    options: RebuildOptions,
  ): Promise<{ readonly seq: number; readonly rebuilt: boolean }>;

  /** Told of every commit of this process, after it became durable. Costs next to nothing. */
  noteCommit?(namespace: string): void;

  /** What it has still to take in, by namespace. */
  backlog?(): readonly {
    readonly namespace: string;
    readonly depth: number;
    /** Milliseconds since the oldest of these commits. */
    readonly lagMs: number;
  }[];

  /** Publishes what is pending, if it publishes by itself, and frees its files; idempotent. */
  close?(): Promise<void>;
}
