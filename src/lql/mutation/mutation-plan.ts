import { hasWildcard } from "../path.ts";
import { plannedCursorsMax } from "./limits.ts";
import type { Mutation } from "./mutation.ts";
import type { Cursor } from "./plan-cursors.ts";
import { PlanState, rootCursors } from "./plan-state.ts";

/** Longest escape of a character in a member name, `\uXXXX`, and what stands around the name. */
const escapedCharacterBytes = 6;
const nameFrameBytes = 8;

/** Mutations made ready for one walk over a document. */
export class MutationPlan {
  readonly root: PlanState;
  /** Bytes of the longest member name that can be wanted, however it is escaped. */
  readonly nameBytesMax: number;
  /** True when arrays may have to be measured before the walk. */
  readonly measures: boolean;
  readonly #states = new Map<string, PlanState>();
  readonly #empty: PlanState;
  #cursors = 0;

  constructor(mutations: readonly Mutation[]) {
    const cursors = mutations.flatMap((mutation, order) => {
      const { path } = mutation;
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

  readonly #state = (cursors: readonly Cursor[]): PlanState => {
    if (cursors.length === 0) return this.#empty;
    const key = cursors.map(({ edit, at }) => `${edit.order}:${at}`).join(",");
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    this.#cursors += cursors.length;
    if (this.#cursors > plannedCursorsMax) this.#forget(cursors.length);
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
