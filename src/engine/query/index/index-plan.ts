/**
 * What an index looks up for a selector: for each clause that a match needs, the terms of which a
 * matching document has at least one. Pure, and the same for every kind of index.
 */
import { isJsonNumber } from "../../../lql/decimal.ts";
import type { Path } from "../../../lql/path.ts";
import { type Narrowing, narrowingOf } from "../../../lql/selector/narrowing.ts";
import type {
  CheckedSelector,
  Clause,
  DateClause,
  OrderOperator,
  TextClause,
} from "../../../lql/selector/selector.ts";
import {
  parseTemporal,
  type Temporal,
  temporalMacro,
  temporalOfMacro,
} from "../../../lql/temporal.ts";
import { clockSlackMs } from "./limits.ts";
import { foldText, type TermKind, termKinds, termNumber, termSeconds, termText } from "./term.ts";

/** One way to find a document below the paths of a clause. */
export type Probe =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "prefix"; readonly text: string }
  /** Both ends belong to it. */
  | {
      readonly kind: "range";
      readonly of: TermKind;
      readonly from: number;
      readonly to: number;
    }
  /** Any value of the kind. */
  | { readonly kind: "present"; readonly of: TermKind }
  /** A folded text within a string. */
  | { readonly kind: "part"; readonly text: string };

export type IndexPlan =
  /** Nothing narrows: every document. */
  | { readonly kind: "all" }
  | { readonly kind: "lookup"; readonly path: Path; readonly probes: readonly Probe[] }
  | { readonly kind: "every"; readonly of: readonly IndexPlan[] }
  | { readonly kind: "some"; readonly of: readonly IndexPlan[] };

const all: IndexPlan = { kind: "all" };
const { text, number, numericText, instant, date, container } = termKinds;
const secondsPerDay = 86_400;
const lowest = -Number.MAX_VALUE;
const highest = Number.MAX_VALUE;

/** @param nowMs wall time, for macros */
export function indexPlanOf(selector: CheckedSelector, nowMs: number): IndexPlan {
  return planOf(narrowingOf(selector), nowMs);
}

function planOf(narrowing: Narrowing, nowMs: number): IndexPlan {
  switch (narrowing.kind) {
    case "any":
      return all;
    case "clause":
      return clausePlan(narrowing.clause, nowMs);
    case "every":
      return { kind: "every", of: narrowing.of.map((part) => planOf(part, nowMs)) };
    case "some":
      return { kind: "some", of: narrowing.of.map((part) => planOf(part, nowMs)) };
  }
}

function clausePlan(clause: Clause, nowMs: number): IndexPlan {
  const { path } = clause;
  switch (clause.kind) {
    case "eq": {
      const value = clause.value ?? "";
      return { kind: "lookup", path, probes: [...scalarProbes(value), ...sameTime(value)] };
    }
    case "in":
      return { kind: "lookup", path, probes: clause.any.flatMap(scalarProbes) };
    case "contains":
    case "prefix":
      return textPlan(clause);
    case "range":
      return clause.sort === "number"
        ? { kind: "lookup", path, probes: numberRange(clause.bounds) }
        : { kind: "lookup", path, probes: timeRange(clause.bounds, nowMs) };
    case "date":
      return datePlan(clause, nowMs);
    case "exists":
      return reachesRoot(path) ? all : { kind: "lookup", path, probes: presentValues };
  }
}

const presentValues: readonly Probe[] = [text, number, container].map((of) => ({
  kind: "present",
  of,
}));
const presentScalars: readonly Probe[] = [text, number].map((of) => ({ kind: "present", of }));
const presentAnything: readonly Probe[] = [text, number, container, termKinds.null].map((of) => ({
  kind: "present",
  of,
}));

/** The document itself is among the values of the path: it is always there. */
function reachesRoot(path: Path): boolean {
  return path.every(({ kind }) => kind === "descendants");
}

/** Section 6.3: these assert nothing about an object document when no value is asked for. */
function assertsNothing(path: Path): boolean {
  return path.length === 0 || (path.length === 1 && path[0]?.kind !== "name");
}

function scalarProbes(value: string): Probe[] {
  const probes: Probe[] = [{ kind: "text", text: termText(value) }];
  if (isJsonNumber(value)) probes.push(only(number, termNumber(value)));
  return probes;
}

function only(of: TermKind, value: number): Probe {
  return { kind: "range", of, from: value, to: value };
}

/**
 * A day equals the instants of that day on the calendar of their own offset, which is less than a
 * day away from UTC.
 */
function sameTime(value: string): Probe[] {
  const time = parseTemporal(value);
  if (time === undefined) return [];
  const seconds = termSeconds(time);
  const [same, other] = time.kind === "date" ? [date, instant] : [instant, date];
  const near = { from: seconds - 2 * secondsPerDay, to: seconds + 2 * secondsPerDay };
  return [only(same, seconds), { kind: "range", of: other, ...near }];
}

function textPlan(clause: TextClause): IndexPlan {
  const { path } = clause;
  const values = clause.any ?? (clause.value === undefined ? [] : [clause.value]);
  if (values.every((value) => value === "")) {
    if (assertsNothing(path) || reachesRoot(path)) return all;
    const probes = values.length === 0 ? presentAnything : presentScalars;
    return { kind: "lookup", path, probes };
  }
  const toProbes = clause.kind === "prefix" ? prefixProbes : partProbes;
  return { kind: "lookup", path, probes: values.flatMap((value) => toProbes(foldText(value))) };
}

function prefixProbes(folded: string): Probe[] {
  return [{ kind: "prefix", text: termText(folded) }, ...numbersWith(folded)];
}

function partProbes(folded: string): Probe[] {
  if (folded === "") return [...presentScalars];
  const words = ["true", "false"].filter((word) => word.includes(folded));
  return [
    { kind: "part", text: folded },
    ...words.map((word): Probe => ({ kind: "text", text: word })),
    ...numbersWith(folded),
  ];
}

/** Numbers are compared by their digits, which no term has: all of them are candidates. */
function numbersWith(folded: string): Probe[] {
  return /^[-+.e0-9]*$/.test(folded) ? [{ kind: "present", of: number }] : [];
}

interface Bound {
  readonly operator: OrderOperator;
  readonly text: string;
}

/** Terms are rounded, so the ends of a range always belong to it. */
function span(bounds: readonly { readonly operator: OrderOperator; readonly value: number }[]): {
  readonly from: number;
  readonly to: number;
} {
  let [from, to] = [lowest, highest];
  for (const { operator, value } of bounds) {
    if (operator === "gt" || operator === "gte") from = Math.max(from, value);
    else to = Math.min(to, value);
  }
  return { from, to };
}

function numberRange(bounds: readonly Bound[]): Probe[] {
  const ends = span(bounds.map((bound) => ({ ...bound, value: termNumber(bound.text) })));
  return [number, numericText].map((of) => ({ kind: "range", of, ...ends }));
}

function timeRange(bounds: readonly Bound[], nowMs: number): Probe[] {
  const ends = span(
    bounds.map(({ operator, text: literal }) => {
      return { operator, value: termSeconds(timeOf(literal, nowMs)) };
    }),
  );
  return [instant, date].map((of) => ({ kind: "range", of, ...ends }));
}

/** Macros stand for a moment before the one that documents are checked with. */
function timeOf(literal: string, nowMs: number): Temporal {
  const macro = temporalMacro(literal);
  if (macro !== undefined) return temporalOfMacro(macro, nowMs - clockSlackMs);
  return parseTemporal(literal) ?? { kind: "date", day: 0 };
}

function datePlan({ path, comparators }: DateClause, nowMs: number): IndexPlan {
  const bounds: Bound[] = [];
  const lookups: IndexPlan[] = [];
  for (const { operator, text: literal } of comparators) {
    if (operator === "value") lookups.push({ kind: "lookup", path, probes: sameTime(literal) });
    else bounds.push({ operator: operator === "since" ? "gte" : operator, text: literal });
  }
  if (bounds.length > 0) lookups.push({ kind: "lookup", path, probes: timeRange(bounds, nowMs) });
  return { kind: "every", of: lookups };
}
