/** Clauses compiled to what they ask of a single value (query-and-lql.md sections 6.2 to 6.6). */
import {
  canonicalNumber,
  compareDecimals,
  type ExactDecimal,
  parseExactDecimal,
} from "../decimal.ts";
import { foldCase } from "../json/decode-string.ts";
import type { Clause, EqClause, OrderOperator, TextClause } from "../selector/selector.ts";
import {
  compareTemporals,
  parseTemporal,
  type Temporal,
  temporalMacro,
  temporalOfMacro,
  temporalsEqual,
} from "../temporal.ts";
import { type NumberValue, type StringValue, termOfText } from "./scalar-value.ts";

/** What makes a clause true; a part left out never does. */
export interface ClauseTest {
  readonly string?: (value: StringValue) => boolean;
  /** The same of a string that is too long to be held: by pieces. */
  readonly long?: LongTest;
  readonly number?: (value: NumberValue) => boolean;
  readonly boolean?: (value: boolean) => boolean;
  readonly null?: true;
  /** True of any object or array. */
  readonly container?: true;
}

export interface LongTest {
  readonly kind: "any" | "contains" | "prefix";
  readonly ignoreCase: boolean;
  /** Folded when case is ignored; one of them suffices. */
  readonly needles: readonly string[];
}

const always = (): true => true;
const anyLong: LongTest = { kind: "any", ignoreCase: false, needles: [] };
const anyScalar: ClauseTest = { string: always, long: anyLong, number: always, boolean: always };
const anyNonNull: ClauseTest = { ...anyScalar, container: true };
const anything: ClauseTest = { ...anyNonNull, null: true };

/** @param nowMs what `now`, `today` and `yesterday` mean */
export function compileClause(clause: Clause, nowMs: number): ClauseTest {
  switch (clause.kind) {
    case "exists":
      return anyNonNull;
    case "eq":
      return compileEq(clause);
    case "in":
      return compileIn(clause.any);
    case "contains":
    case "prefix":
      return compileText(clause);
    case "range":
      return clause.sort === "number"
        ? compileNumberRange(clause.bounds)
        : compileTimes(clause.bounds, nowMs);
    case "date":
      return compileTimes(clause.comparators, nowMs);
  }
}

function compileEq({ value = "" }: EqClause): ClauseTest {
  const term = termOfText(value);
  const time = parseTemporal(value);
  const decimal = parseExactDecimal(value);
  const isBoolean = value === "true" || value === "false";
  return {
    string:
      time === undefined
        ? (string) => string.equals(term)
        : (string) => string.equals(term) || equalTimes(string.temporal(), time),
    ...(decimal === undefined ? {} : { number: (number) => number.equals(decimal) }),
    ...(isBoolean ? { boolean: (boolean) => String(boolean) === value } : {}),
  };
}

function equalTimes(a: Temporal | undefined, b: Temporal): boolean {
  return a !== undefined && temporalsEqual(a, b);
}

function compileIn(any: readonly string[]): ClauseTest {
  const texts = new Set(any);
  const numbers = new Set(any.flatMap((item) => canonicalNumber(item) ?? []));
  return {
    string: (string) => texts.has(string.text()),
    ...(numbers.size === 0 ? {} : { number: (number) => numbers.has(number.text() ?? "") }),
    boolean: (boolean) => texts.has(String(boolean)),
  };
}

function compileText({ kind, ignoreCase, value, any }: TextClause): ClauseTest {
  if (any === undefined && value === undefined) return anything;
  if (value === "") return anyScalar;
  const written = any ?? [value ?? ""];
  const needles = ignoreCase ? written.map(foldCase) : written;
  const [first = ""] = needles;
  const long: LongTest = { kind, ignoreCase, needles };
  if (kind === "prefix") {
    const term = termOfText(first);
    return {
      string: ignoreCase
        ? (string) => string.folded().startsWith(first)
        : (string) => string.startsWith(term),
      long,
      number: (number) => number.text()?.startsWith(first) === true,
      boolean: (boolean) => String(boolean).startsWith(first),
    };
  }
  const within = (text: string): boolean => needles.some((needle) => text.includes(needle));
  return {
    string: ignoreCase ? (string) => within(string.folded()) : (string) => within(string.text()),
    long,
    number: (number) => within(foldIf(ignoreCase, number.text() ?? "")),
    boolean: (boolean) => within(String(boolean)),
  };
}

/** Only the `e` of very large numbers has a case, and it is small. */
function foldIf(ignoreCase: boolean, text: string): string {
  return ignoreCase ? text.toLowerCase() : text;
}

function ordered(operator: OrderOperator, comparison: number): boolean {
  switch (operator) {
    case "gte":
      return comparison >= 0;
    case "gt":
      return comparison > 0;
    case "lte":
      return comparison <= 0;
    case "lt":
      return comparison < 0;
  }
}

interface Comparator {
  readonly operator: OrderOperator | "value" | "since";
  readonly text: string;
}

function compileNumberRange(
  written: readonly { readonly operator: OrderOperator; readonly text: string }[],
): ClauseTest {
  const bounds = written.flatMap(({ operator, text }) => {
    const decimal = parseExactDecimal(text);
    return decimal === undefined ? [] : [{ operator, decimal }];
  });
  const within = (decimal: ExactDecimal | undefined): boolean =>
    decimal !== undefined &&
    bounds.every((bound) => ordered(bound.operator, compareDecimals(decimal, bound.decimal)));
  return {
    string: (string) => within(string.decimal()),
    number: (number) => within(number.decimal()),
  };
}

function compileTimes(written: readonly Comparator[], nowMs: number): ClauseTest {
  const comparators = written.flatMap(({ operator, text }) => {
    const macro = operator === "since" ? temporalMacro(text) : undefined;
    const time = macro === undefined ? parseTemporal(text) : temporalOfMacro(macro, nowMs);
    return time === undefined ? [] : [{ operator, time }];
  });
  const holds = (value: Temporal, { operator, time }: (typeof comparators)[number]): boolean => {
    if (operator === "value") return temporalsEqual(value, time);
    return ordered(operator === "since" ? "gte" : operator, compareTemporals(value, time));
  };
  return {
    string: (string) => {
      const value = string.temporal();
      return value !== undefined && comparators.every((comparator) => holds(value, comparator));
    },
  };
}
