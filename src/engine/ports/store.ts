/**
 * The store port: ordered names, objects that are immutable or changed by compare-and-swap, and one
 * write verb. Every adapter passes `test/conformance/store-suite.ts`, its fault half included.
 *
 * Names are non-empty UTF-8 strings of at most {@link nameBytesMax} bytes, compared byte by byte.
 */

/** Longest object name in bytes: namespace and key, plus room for a prefix and an id. */
export const nameBytesMax = 512;

/** Opaque version of an object: equal tags, equal content; never used twice for a name. */
export type VersionTag = string & { readonly __brand: "version-tag" };

/** An object as read: its bytes (do not modify) and the tag to use as a precondition. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly tag: VersionTag;
}

/** What must hold for a step to take effect: anything, nothing there, or exactly this version. */
export type Precondition =
  | { readonly kind: "any" }
  | { readonly kind: "absent" }
  | { readonly kind: "tag"; readonly tag: VersionTag };

/** One change inside a {@link Plan}. Deleting an absent object with precondition `any` succeeds. */
export type Step =
  | {
      readonly kind: "put";
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly when: Precondition;
    }
  | { readonly kind: "delete"; readonly name: string; readonly when: Precondition };

/** Steps in the order in which they take effect. At most {@link planStepsMax}. */
export type Plan = readonly Step[];

/** Bound of a plan: the largest transaction a later layer writes at once. */
export const planStepsMax = 256;

/**
 * What became of a plan.
 * - `applied`: every step is durable; `tags[i]` is the new tag of step i (undefined for deletes).
 * - `conflict`: step `step` did not meet its precondition; with `atomicPlan` nothing happened,
 *   without it the steps before it did.
 * - `unknown`: the store cannot say whether (or how far) the plan took effect; the caller must read
 *   back and recognise its own write.
 */
export type ApplyResult =
  | { readonly kind: "applied"; readonly tags: readonly (VersionTag | undefined)[] }
  | { readonly kind: "conflict"; readonly step: number }
  | { readonly kind: "unknown"; readonly cause: unknown };

/** A body being read. Closing early frees the file or connection; iterating to the end does too. */
export interface BodyStream extends AsyncIterable<Uint8Array> {
  /**
   * The same chunks in memory that is used again: each is valid until the next one is asked for.
   * Without it, or when it is iterated itself, every chunk is the reader's for good.
   */
  lent?(): AsyncIterable<Uint8Array>;
  /** Frees the source; idempotent. */
  close(): Promise<void>;
}

/** A large object opened for reading. It stays readable when it is deleted meanwhile. */
export interface ObjectStream {
  readonly size: number;
  readonly body: BodyStream;
}

/** One page of {@link Store.list}. */
export interface NamePage {
  readonly names: readonly string[];
  /** True when more names follow the last one of this page. */
  readonly more: boolean;
}

/** An object of a {@link Store.scan} page. */
export interface NamedObject extends StoredObject {
  readonly name: string;
}

/** One page of {@link Store.scan}. */
export interface ObjectPage {
  readonly objects: readonly NamedObject[];
  /** True when more objects follow the last one of this page. */
  readonly more: boolean;
}

/** One page of {@link Store.changesSince}. */
export interface ChangePage {
  /** Each changed object once, as it is now, oldest change first. */
  readonly objects: readonly NamedObject[];
  /** Where the next page starts. A reader that has all of this page never needs it again. */
  readonly cursor: string;
  /** True when more changes are known already. */
  readonly more: boolean;
}

/**
 * Objects of this prefix have an order of changes; others do not pay for one. It is the prefix of
 * records, which are never deleted: deletes are no changes in this sense.
 */
export const changesPrefix = "k/";

/** One page of {@link Store.listStreams}. */
export interface StreamPage {
  readonly names: readonly string[];
  /** Where the next page starts; undefined when this is the last. Opaque. */
  readonly next: string | undefined;
}

/** Bytes of a scan's page at most, unless its first object alone is larger. */
export const scanBytesMax = 4 * 1024 * 1024;

/** What an adapter can do; the engine is correct without any of these, only faster with them. */
export interface StoreCapabilities {
  /** Plans are all-or-nothing. */
  readonly atomicPlan: boolean;
  /** No other process writes while this store is open: what was read or written may be cached. */
  readonly exclusive: boolean;
  /** `watch` exists and reports changes of other writers. */
  readonly watch: boolean;
  /** `changesSince` exists. */
  readonly changes: boolean;
}

/** Names of one {@link Store.getMany} at most. */
export const getManyMax = 256;

/** Page of a listing at most. */
export const listLimitMax = 1000;

/** Which page of a listing: strictly after `after`, 1 to {@link listLimitMax} entries. */
export interface PageOptions {
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Store {
  /** Short text for messages and logs, without secrets: `disk:///var/lib/lockd`. */
  readonly label: string;
  readonly capabilities: StoreCapabilities;

  /**
   * Reads an object whole; undefined when absent. Read-your-writes.
   * @throws StoreFailure
   */
  get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined>;

  /**
   * Reads 1 to {@link getManyMax} objects whole, in the order of their names; undefined for those
   * that are absent. As many calls of `get`, for little more than the price of one; the objects
   * need not be of one moment.
   * @throws StoreFailure when one of them cannot be read
   */
  getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]>;

  /**
   * Opens a large object (one written by `putStream`); undefined when absent.
   * @throws StoreFailure
   */
  getStream(name: string, signal?: AbortSignal): Promise<ObjectStream | undefined>;

  /**
   * Applies a plan. Durable (synced, directory entries included) when it resolves with `applied`.
   * Nothing of the plan is visible to `get` before that, except as the doc of `conflict` and
   * `unknown` says.
   * @throws StoreFailure when certainly nothing of the plan took effect
   */
  apply(plan: Plan): Promise<ApplyResult>;

  /**
   * Writes a new immutable object from a stream; durable when it resolves with its size in bytes.
   * The name must never have been used. When the source throws or `signal` aborts, nothing is left.
   * A chunk of the source is valid until the next one is asked for; what is kept has to be copied.
   * @throws StoreFailure, or what the source threw
   */
  putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }>;

  /**
   * Deletes an object written by `putStream`; absent is success. May be lazy, never resurrects.
   * @throws StoreFailure
   */
  deleteStream(name: string): Promise<void>;

  /**
   * Names of objects written by `apply` that start with `prefix`, in byte order, strictly after
   * `after`; `limit` 1..listLimitMax. Names present during the whole listing appear exactly once.
   * @throws StoreFailure
   */
  list(prefix: string, options: PageOptions): Promise<NamePage>;

  /**
   * As `list`, with each object as it is at that moment; objects of a page need not be of one
   * moment. A page ends early at {@link scanBytesMax} bytes, never without its first object.
   * @throws StoreFailure
   */
  scan(prefix: string, options: PageOptions): Promise<ObjectPage>;

  /**
   * Objects under {@link changesPrefix} that were written after `cursor` (undefined: ever), of any
   * writer, in an order in which nobody who takes every page ever misses a write: what becomes
   * visible later comes later. A page ends early at {@link scanBytesMax} bytes. A cursor stays good
   * for the life of the store; one from elsewhere (a copy, an older state) is refused.
   * Present when `capabilities.changes`.
   * @throws StoreFailure "corrupt" when the cursor is not of this store
   */
  changesSince?(cursor: string | undefined, limit: number): Promise<ChangePage>;

  /**
   * Names of objects written by `putStream` that start with `prefix`, in an order of the adapter's
   * own; `after` is the `next` of the page before. Names present during the whole listing appear
   * exactly once. May be slow: it is for tidying up.
   * @throws StoreFailure
   */
  listStreams(prefix: string, options: PageOptions): Promise<StreamPage>;

  /**
   * Calls `changed` (at most about 20 times a second) when something may have been written by
   * another process. Only a hint. Present when `capabilities.watch`.
   */
  watch?(changed: () => void): { close(): void };

  /** Stops background work, makes everything durable, frees files and locks; idempotent. */
  close(): Promise<void>;
}

/** Why a store call failed with certainty that it changed nothing. */
export type StoreFailureKind =
  /** No space, quota, or too many open files: reads still work. */
  | "full"
  /** The place is not writable (permissions, read-only mount). */
  | "read_only"
  /** Another process owns the store; `retryable` through that owner's socket only. */
  | "owned"
  /** Busy or unreachable for the moment; trying again may work. */
  | "unavailable"
  /** The device failed (EIO, failed fsync): this store instance refuses all further writes. */
  | "failed"
  /** Stored bytes are damaged or of an unknown version; the message names the object. */
  | "corrupt"
  /** The instance was closed. */
  | "closed";

/** A store call that certainly changed nothing. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
  readonly kind: StoreFailureKind;

  constructor(kind: StoreFailureKind, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}
