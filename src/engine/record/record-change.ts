/** What goes into the record shell and comes out of it. */
import type { Step, VersionTag } from "../ports/store.ts";
import type { Decision } from "../transition.ts";
import type { KeyRecord } from "./key-record.ts";

/** A pure transition of a record (undefined: the key was never acquired) at `nowUnix` seconds. */
export type Transition<Answer> = (
  record: KeyRecord | undefined,
  nowUnix: number,
) => Decision<Answer>;

/** What the shell tells its owner after a write became durable. */
export interface ShellObserver {
  /** A record changed; `before` and `after` are neighbours in its history as seen here. */
  changed(name: string, before: KeyRecord | undefined, after: KeyRecord): void;
  /** State objects that nothing points at any more. */
  garbage(objects: readonly string[]): void;
  /** A record was deleted; whatever it pointed at is garbage. */
  erased(name: string, last: KeyRecord | undefined): void;
  /**
   * Finds out what becomes of an expired lease of a joint transaction, and sees to it. Called
   * outside the key's turn; the record is looked at again afterwards.
   */
  resolve(name: string, undecided: KeyRecord): Promise<void>;
}

/** Steps that are written in one plan with the record; only on stores with atomic plans. */
export interface Rider {
  /** Those that go with `next`; a failure refuses the change. */
  steps(next: KeyRecord): Promise<readonly Step[]>;
  /** What became of the plan; `tags` of the steps when it was applied. */
  settle(
    written: "applied" | "conflict" | "unknown",
    tags: readonly (VersionTag | undefined)[],
  ): void;
}

/** What goes with a change besides the record. */
export interface ChangeExtras {
  /**
   * What the change lets the record point at, if anything. When an attempt may have landed and the
   * object is not to be seen any more, somebody may have replaced and deleted it: then the change
   * is not repeated, its outcome stays unknown.
   */
  readonly object?: string | undefined;
  readonly rider?: Rider | undefined;
  /**
   * Who asks what becomes of an undecided lease: this call before it goes on (as usual), nobody
   * because the caller knows, or the caller, who is told by `InDoubt`.
   */
  readonly asks?: "first" | "never" | "elsewhere" | undefined;
}

export const noExtras: ChangeExtras = {};

/** What became of a change of several records; `tags` of the steps that rode along. */
export type JointWrite =
  | {
      readonly kind: "applied";
      readonly changed: number;
      readonly tags: readonly (VersionTag | undefined)[];
    }
  | { readonly kind: "conflict" }
  | { readonly kind: "unknown" };
