/**
 * The dictionary of paths of one namespace: a tree whose nodes have ids. What an array holds is one
 * step below it, whatever its position.
 */
import { indexOfName, type Path, type PathSegment } from "../../../lql/path.ts";
import { pathStepsMax, pathsPerClauseMax } from "./limits.ts";

/** Enters paths. */
export interface PathBook {
  /** The id of the step below a path, made when it is new. */
  child(path: number, step: string): number;
}

/** Looks paths up. */
export interface PathLookup {
  find(path: number, step: string): number | undefined;
  /** Every step below a path; undefined when there are more than `limit`. */
  children(
    path: number,
    limit: number,
  ): readonly { readonly step: string; readonly id: number }[] | undefined;
}

/** The step from an array to its elements. */
export const elementStep = "[";

/** The step from an object to a member. */
export function memberStep(name: string): string {
  return `.${name.toWellFormed()}`;
}

/** The stored paths that a selector's path stands for; undefined when they are too many. */
export function pathsOf(path: Path, root: number, lookup: PathLookup): number[] | undefined {
  const search = new PathSearch(path, lookup);
  return search.visit(root, 0) ? [...search.found] : undefined;
}

class PathSearch {
  readonly found = new Set<number>();
  readonly #path: Path;
  readonly #lookup: PathLookup;
  readonly #seen = new Set<string>();
  #steps = 0;

  constructor(path: Path, lookup: PathLookup) {
    this.#path = path;
    this.#lookup = lookup;
  }

  /** False when it is too much. */
  visit(node: number, at: number): boolean {
    const segment = this.#path[at];
    if (segment === undefined) {
      this.found.add(node);
      return this.found.size <= pathsPerClauseMax;
    }
    if (segment.kind === "name") return this.#byName(segment.name, node, at);
    const seen = `${node} ${at}`;
    if (this.#seen.has(seen)) return true;
    this.#seen.add(seen);
    if (segment.kind === "descendants" && !this.visit(node, at + 1)) return false;
    const children = this.#lookup.children(node, pathStepsMax - this.#steps);
    if (children === undefined) return false;
    this.#steps += children.length;
    const next = segment.kind === "descendants" ? at : at + 1;
    return children.every(({ step, id }) => !leads(segment, step) || this.visit(id, next));
  }

  #byName(name: string, node: number, at: number): boolean {
    const member = this.#lookup.find(node, memberStep(name));
    if (member !== undefined && !this.visit(member, at + 1)) return false;
    if (indexOfName(name) === undefined) return true;
    const elements = this.#lookup.find(node, elementStep);
    return elements === undefined || this.visit(elements, at + 1);
  }
}

function leads(segment: PathSegment, step: string): boolean {
  if (segment.kind === "members") return step !== elementStep;
  if (segment.kind === "elements") return step === elementStep;
  return true;
}
