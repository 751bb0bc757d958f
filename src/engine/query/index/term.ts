/**
 * What a document is looked up by. A term is a path, the kind of value that was found there, and
 * something to compare it with. Terms are coarser than values (texts are folded and cut, numbers
 * rounded to doubles), always so that equal values have equal terms and order is kept: a lookup may
 * find too much, which the check of documents sorts out, and never too little.
 */
import { isJsonNumber } from "../../../lql/decimal.ts";
import { foldCase } from "../../../lql/json/decode-string.ts";
import type { Temporal } from "../../../lql/temporal.ts";
import { termUnitsMax } from "./limits.ts";

/** Kinds as they are stored; the numbers are part of the format. */
export const termKinds = {
  null: 0,
  /** A string, or true or false as text. */
  text: 1,
  number: 2,
  /** A string that reads as a number; it has a text as well. */
  numericText: 3,
  /** A string that is a point in time, in seconds; it has a text as well. */
  instant: 4,
  /** A string that is a calendar day, in seconds; it has a text as well. */
  date: 5,
  /** An object or an array. */
  container: 6,
} as const;

export type TermKind = (typeof termKinds)[keyof typeof termKinds];

/** Path (an id of the path dictionary), kind, value. */
export type Term = readonly [path: number, kind: TermKind, value: string | number];

const secondsPerDay = 86_400;

/** Folded as the matcher folds, and so that it is the same after a way through UTF-8. */
export function foldText(text: string): string {
  return foldCase(text).toWellFormed();
}

/** The text of a term. */
export function termText(text: string): string {
  // Folding changes lengths, so it comes first; nothing long is folded whole for nothing.
  const head = text.length > 4 * termUnitsMax ? text.slice(0, 4 * termUnitsMax) : text;
  return cut(foldText(head));
}

/** A text or a prefix as a term holds it: both are cut at the same place. */
function cut(folded: string): string {
  return folded.length > termUnitsMax ? folded.slice(0, termUnitsMax).toWellFormed() : folded;
}

/** True when a term may stand for a longer text. */
export function isCutText(text: string): boolean {
  return text.length >= termUnitsMax;
}

/** The double nearest to a decimal; rounding keeps order. Beyond all doubles: the last one. */
export function termNumber(text: string): number {
  return roundedNumber(Number(text));
}

/** As {@link termNumber}, of what JSON.parse made of the text. */
export function roundedNumber(number: number): number {
  // Minus zero equals zero.
  if (number === 0) return 0;
  return Math.min(Math.max(number, -Number.MAX_VALUE), Number.MAX_VALUE);
}

/** The number a string reads as, when it is one. */
export function numericTextOf(text: string): number | undefined {
  const first = text.charCodeAt(0);
  const mayBe = first === 0x2d || (first >= 0x30 && first <= 0x39);
  return mayBe && isJsonNumber(text) ? termNumber(text) : undefined;
}

/** Seconds since 1970 of a literal; a day counts as its first moment in UTC. */
export function termSeconds(time: Temporal): number {
  return time.kind === "date" ? time.day * secondsPerDay : time.seconds + time.nanos / 1e9;
}
