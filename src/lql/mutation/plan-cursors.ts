/** How far the paths of mutations have got at a place in a document. */
import { indexOfName, type Path, type PathSegment } from "../path.ts";
import type { Mutation } from "./mutation.ts";

/** A mutation in a plan. */
export interface Edit {
  readonly mutation: Mutation;
  readonly path: Path;
  /** Place in the order of application. */
  readonly order: number;
  /** No wildcards: it names one place, and makes it if need be. */
  readonly literal: boolean;
}

/** An edit whose path has come as far as segment `at`; at its end the edit meets the value. */
export interface Cursor {
  readonly edit: Edit;
  readonly at: number;
}

/** Adds a position, and those that `...` reaches from it over zero levels. */
export function addSteps(positions: number[], edit: Edit, at: number): void {
  if (positions.includes(at)) return;
  positions.push(at);
  if (edit.path[at]?.kind === "descendants") addSteps(positions, edit, at + 1);
}

/** Where the positions of an edit at an object get to in its member `name`. */
export function memberSteps(edit: Edit, positions: readonly number[], name: string): number[] {
  const steps: number[] = [];
  for (const at of positions) {
    const segment = edit.path[at];
    if (segment === undefined) continue;
    if (segment.kind === "descendants") addSteps(steps, edit, at);
    else if (segment.kind === "name" ? segment.name === name : isMemberWildcard(segment)) {
      addSteps(steps, edit, at + 1);
    }
  }
  return steps;
}

function isMemberWildcard({ kind }: PathSegment): boolean {
  return kind === "members" || kind === "children";
}

/** Where they get to in the element `index` of an array; undefined: any that no name stands for. */
export function elementSteps(edit: Edit, at: number, index: number | undefined): number[] {
  const steps: number[] = [];
  const segment = edit.path[at];
  if (segment?.kind === "descendants") addSteps(steps, edit, at);
  else if (segment?.kind === "elements" || segment?.kind === "children") {
    addSteps(steps, edit, at + 1);
  } else if (segment?.kind === "name" && index !== undefined) {
    if (indexOfName(segment.name) === index) addSteps(steps, edit, at + 1);
  }
  return steps;
}
