import { failure } from "../../api/errors.ts";
import { hasWildcard, type Path, type PathSegment } from "../path.ts";
import { derivedCursorsMax, plannedCursorsMax, plannedStateCursors } from "./limits.ts";
import type { Mutation } from "./mutation.ts";
import type { Cursor } from "./plan-cursors.ts";
import { PlanState, rootCursors } from "./plan-state.ts";

/** Longest escape of a character in a member name, `\uXXXX`, and what stands around the name. */
const escapedCharacterBytes = 6;
const nameFrameBytes = 8;

/** Any number of levels twice is any number of levels. */
function isNotRepeated({ kind }: PathSegment, at: number, path: Path): boolean {
  return kind !== "descendants" || path[at - 1]?.kind !== "descendants";
}

/** Mutations made ready for one walk over a document. */
export class MutationPlan {
  readonly root: PlanState;
  /** Bytes of the longest member name that can be wanted, however it is escaped. */
  readonly nameBytesMax: number;
  /** True when arrays may have to be measured before the walk. */
  readonly measures: boolean;
  readonly #states = new Map<string, PlanState>();
  readonly #empty: PlanState;
  /** Remembered now, and worked out since the beginning. */
  #cursors = 0;
  #derived = 0;

  constructor(mutations: readonly Mutation[]) {
    const cursors = mutations.flatMap((mutation, order) => {
      const path = mutation.path.filter(isNotRepeated);
      return rootCursors({ mutation, path, order, literal: !hasWildcard(path) });
    });
    this.#empty = new PlanState([], () => this.#empty);
    this.root = this.#state(cursors);
    let longest = 0;
    for (const { path } of mutations) {
      for (const segment of path) {
        if (segment.kind === "name") longest = Math.max(longest, segment.name.length);
      }
    }
    this.nameBytesMax = longest * escapedCharacterBytes + nameFrameBytes;
    this.measures = mutations.some(
      ({ kind, path }) =>
        kind !== "remove" &&
        !hasWildcard(path) &&
        path.some((segment, at) => at > 0 && segment.kind === "name" && /^\d+$/.test(segment.name)),
    );
  }

  /** Counts work on cursors. @throws invalid_mutations when one document takes too much of it */
  spend(cursors: number): void {
    this.#derived += cursors;
    if (this.#derived <= derivedCursorsMax) return;
    const detail = "the mutations find too many places in this document; send several requests";
    throw failure("invalid_mutations", detail);
  }

  readonly #state = (cursors: readonly Cursor[]): PlanState => {
    if (cursors.length === 0) return this.#empty;
    const cost = cursors.length + plannedStateCursors;
    this.spend(cost);
    // Orders and positions are small numbers: as characters they make the cheapest key.
    let key = "";
    for (const { edit, at } of cursors) key += String.fromCharCode(edit.order, at);
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    this.#cursors += cost;
    if (this.#cursors > plannedCursorsMax) this.#forget(cost);
    const state = new PlanState(cursors, this.#state);
    this.#states.set(key, state);
    return state;
  };

  /** Starts over with remembering; states in use go on and derive theirs anew. */
  #forget(cursors: number): void {
    for (const state of this.#states.values()) state.forget();
    this.#states.clear();
    this.#cursors = cursors;
  }
}
