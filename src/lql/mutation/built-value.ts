/**
 * Values that mutations make themselves, held in memory: as small as the mutations that made them.
 * Here a run of mutations is simply carried out one after the other; the streaming pass
 * (`mutation-pass.ts`) asks for the outcome wherever a document's own bytes have no say any more.
 */
import { failure } from "../../api/errors.ts";
import { printPath } from "../path.ts";
import { addNumbers } from "./add-numbers.ts";
import type { FileMode } from "./mutation.ts";
import { type Cursor, type Edit, memberSteps } from "./plan-cursors.ts";

export interface FileValue {
  readonly file: string;
  readonly mode: FileMode;
}

/** A JSON scalar as text, a file's content to come, or an object. Arrays are never made. */
export type Built = string | FileValue | Map<string, Built>;

/** Stands for a string, literal or container of the document that is not looked at. */
export const opaqueScalar = "";

export interface Outcome {
  /** undefined: no such value. */
  readonly value: Built | undefined;
  /** True when it went away in between: as a member it then comes back behind the others. */
  readonly moved: boolean;
}

/**
 * What becomes of `start` when the edits that the cursors stand for are applied in order.
 * Elements of arrays never go away, they become null.
 * @throws invalid_body for a step on something that is no number
 */
export function replay(
  cursors: readonly Cursor[],
  start: Built | undefined,
  isElement = false,
): Outcome {
  let value = start;
  let moved = false;
  for (const { edit, positions } of byEdit(cursors)) {
    value = changed(edit, positions, value);
    if (value === undefined && isElement) value = "null";
    if (value === undefined && start !== undefined) moved = true;
  }
  return { value, moved };
}

/** The members that edits add to an object whose members in `kept` take care of themselves. */
export function createdMembers(
  cursors: readonly Cursor[],
  kept: ReadonlySet<string>,
): Map<string, Built> {
  const members = new Map<string, Built>();
  for (const { edit, positions } of byEdit(cursors)) {
    const segment = edit.path[positions[0] ?? 0];
    const isKept = edit.literal && segment?.kind === "name" && kept.has(segment.name);
    if (!isKept) changed(edit, positions, members);
  }
  return members;
}

function* byEdit(cursors: readonly Cursor[]): Generator<{ edit: Edit; positions: number[] }> {
  for (let first = 0; first < cursors.length; ) {
    const { edit } = cursors[first] as Cursor;
    const positions: number[] = [];
    for (; cursors[first]?.edit === edit; first += 1) positions.push((cursors[first] as Cursor).at);
    yield { edit, positions };
  }
}

function changed(
  edit: Edit,
  positions: readonly number[],
  value: Built | undefined,
): Built | undefined {
  if (positions.includes(edit.path.length)) return changedHere(edit, value);
  return edit.literal
    ? changedBelow(edit, positions[0] ?? 0, value)
    : changedWhereFound(edit, positions, value);
}

function changedHere(edit: Edit, value: Built | undefined): Built | undefined {
  const { mutation, literal } = edit;
  // A path with wildcards finds what is there and makes nothing.
  if (value === undefined && !literal) return undefined;
  switch (mutation.kind) {
    case "remove":
      return undefined;
    case "set":
      return mutation.json;
    case "file":
      return { file: mutation.file, mode: mutation.mode };
    case "add":
      return addNumbers(numberOf(edit, value), mutation.delta);
  }
}

function numberOf(edit: Edit, value: Built | undefined): string {
  if (value === undefined) return "0";
  if (typeof value === "string" && /^[-\d]/.test(value)) return value;
  throw notANumber(edit);
}

/** The error of a step on something else than a number. */
export function notANumber(edit: Edit): Error {
  return failure("invalid_body", `${printPath(edit.path)} is not a number; a step needs one`);
}

function changedBelow(edit: Edit, at: number, value: Built | undefined): Built | undefined {
  const segment = edit.path[at];
  const isObject = value instanceof Map;
  if (segment?.kind !== "name") return value;
  if (edit.mutation.kind === "remove" && !isObject) return value;
  const members = isObject ? value : new Map<string, Built>();
  const before = members.get(segment.name);
  put(members, segment.name, changed(edit, [at + 1], before));
  return members;
}

function changedWhereFound(
  edit: Edit,
  positions: readonly number[],
  value: Built | undefined,
): Built | undefined {
  if (!(value instanceof Map)) return value;
  for (const [name, member] of [...value]) {
    const below = memberSteps(edit, positions, name);
    if (below.length > 0) put(value, name, changed(edit, below, member));
  }
  return value;
}

function put(members: Map<string, Built>, name: string, value: Built | undefined): void {
  if (value === undefined) members.delete(name);
  else members.set(name, value);
}
