/**
 * The matching rules of query-and-lql.md section 6 once more, in the plainest way: over parsed
 * values, with recursion, without any code of the matcher. Slow, and only for tests.
 */
import type { Clause, SelectorNode } from "../../src/lql/selector/selector.ts";

/** A number with its digits. */
class NumberText {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

type Reviver = (key: string, value: unknown, context: { source: string }) => unknown;

export function referenceMatches(root: SelectorNode, json: string, nowMs: number): boolean {
  const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;
  const document = parse(json, (_key, value, { source }) =>
    typeof value === "number" ? new NumberText(source) : value,
  );
  if (root.kind === "all") return true;
  if (!isObject(document)) return false;
  return holds(root, document, nowMs);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof NumberText)
  );
}

function holds(node: SelectorNode, document: unknown, nowMs: number): boolean {
  switch (node.kind) {
    case "all":
      return true;
    case "and":
      return node.nodes.every((child) => holds(child, document, nowMs));
    case "or":
      return node.nodes.some((child) => holds(child, document, nowMs));
    case "not":
      return !holds(node.node, document, nowMs);
    default:
      if (isRootAssertion(node)) return true;
      return valuesAt(document, node.field).some((value) => satisfies(node, value, nowMs));
  }
}

function isRootAssertion(clause: Clause): boolean {
  if (clause.kind !== "contains" && clause.kind !== "prefix") return false;
  if (clause.any !== undefined || (clause.value !== undefined && clause.value !== "")) return false;
  return ["/", "/*", "/**", "/..."].includes(clause.field);
}

function valuesAt(document: unknown, field: string): unknown[] {
  const tokens =
    field === "/"
      ? []
      : field
          .slice(1)
          .replace(/([^/])(?=(\[\])+(\/|$))/g, "$1/")
          .split("/");
  const steps = tokens.flatMap((token) =>
    /^(\[\])+$/.test(token) ? (token.match(/\[\]/g) ?? []) : [token],
  );
  let values: unknown[] = [document];
  for (const step of steps) values = values.flatMap((value) => childrenOf(value, step));
  return values;
}

function childrenOf(value: unknown, step: string): unknown[] {
  const members = isObject(value) ? Object.values(value) : [];
  const elements = Array.isArray(value) ? (value as unknown[]) : [];
  switch (step) {
    case "*":
      return members;
    case "[]":
      return elements;
    case "**":
      return [...members, ...elements];
    case "...":
      return [value, ...[...members, ...elements].flatMap((child) => childrenOf(child, "..."))];
    default: {
      const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
      if (isObject(value)) return Object.hasOwn(value, name) ? [value[name]] : [];
      return /^(0|[1-9]\d*)$/.test(name) && Number(name) < elements.length
        ? [elements[Number(name)]]
        : [];
    }
  }
}

const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Numbers of tests are small enough to be written as a fraction of whole numbers. */
function fraction(text: string): { top: bigint; tens: number } | undefined {
  if (!numberPattern.test(text)) return undefined;
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", decimals = ""] = mantissa.split(".");
  return { top: BigInt(whole + decimals), tens: Number(exponent) - decimals.length };
}

function compareNumbers(a: string, b: string): number | undefined {
  const [x, y] = [fraction(a), fraction(b)];
  if (x === undefined || y === undefined) return undefined;
  const tens = Math.min(x.tens, y.tens);
  const difference = x.top * 10n ** BigInt(x.tens - tens) - y.top * 10n ** BigInt(y.tens - tens);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** Plain decimal digits by way of whole-number division. */
function plain(text: string): string {
  const { top, tens } = fraction(text) ?? { top: 0n, tens: 0 };
  if (tens >= 0) return String(top * 10n ** BigInt(tens));
  const digits = String(top < 0n ? -top : top).padStart(1 - tens, "0");
  const decimals = digits.slice(tens).replace(/0+$/, "");
  const sign = top < 0n ? "-" : "";
  return `${sign}${digits.slice(0, tens)}${decimals === "" ? "" : `.${decimals}`}`;
}

const timePattern = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?$/;

interface Time {
  day: string;
  dateOnly: boolean;
  nanos: bigint;
}

function timeOf(text: string): Time | undefined {
  const [, day, clock, decimals = "", zone = "Z"] = timePattern.exec(text) ?? [];
  if (day === undefined) return undefined;
  const ms = Date.parse(`${day}T${clock ?? "00:00:00"}${zone}`);
  // Date.parse takes a 30 February for a day in March.
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(ms) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const nanos = BigInt(ms) * 1_000_000n + BigInt(decimals.padEnd(9, "0"));
  return { day, dateOnly: clock === undefined, nanos };
}

function sameTime(a: Time, b: Time): boolean {
  return a.dateOnly || b.dateOnly ? a.day === b.day : a.nanos === b.nanos;
}

function inOrder(operator: string, comparison: number): boolean {
  if (operator === "gt") return comparison > 0;
  if (operator === "lt") return comparison < 0;
  if (operator === "lte") return comparison <= 0;
  return comparison >= 0;
}

function satisfies(clause: Clause, value: unknown, nowMs: number): boolean {
  if (clause.kind === "exists") return value !== null;
  if (clause.kind === "contains" || clause.kind === "prefix") {
    if (clause.value === undefined && clause.any === undefined) return true;
    const text = textOf(value);
    if (text === undefined) return false;
    const fold = (word: string): string =>
      clause.ignoreCase ? [...word].map((letter) => letter.toLowerCase()).join("") : word;
    return (clause.any ?? [clause.value ?? ""]).some((needle) =>
      clause.kind === "contains"
        ? fold(text).includes(fold(needle))
        : fold(text).startsWith(fold(needle)),
    );
  }
  if (clause.kind === "eq") return isSame(value, clause.value ?? "", true);
  if (clause.kind === "in") return clause.any.some((item) => isSame(value, item, false));
  if (clause.kind === "range" && clause.sort === "number") {
    const number = value instanceof NumberText ? value.source : value;
    if (typeof number !== "string") return false;
    return clause.bounds.every(({ operator, text }) => {
      const comparison = compareNumbers(number, text);
      return comparison !== undefined && inOrder(operator, comparison);
    });
  }
  const time = typeof value === "string" ? timeOf(value) : undefined;
  if (time === undefined) return false;
  const comparators = timesOf(clause);
  return comparators.every(({ operator, text }) => {
    const other = timeOf(text) ?? macro(text, nowMs);
    if (operator === "value") return sameTime(time, other);
    return inOrder(operator, time.nanos === other.nanos ? 0 : time.nanos < other.nanos ? -1 : 1);
  });
}

function timesOf(clause: Clause): readonly { operator: string; text: string }[] {
  if (clause.kind === "range") return clause.bounds;
  return clause.kind === "date" ? clause.comparators : [];
}

function macro(word: string, nowMs: number): Time {
  const now = new Date(nowMs).toISOString();
  const ms = word === "now" ? nowMs : Date.parse(now.slice(0, 10));
  const nanos = BigInt(word === "yesterday" ? ms - 86_400_000 : ms) * 1_000_000n;
  return { day: "", dateOnly: false, nanos };
}

function textOf(value: unknown): string | undefined {
  if (value instanceof NumberText) return plain(value.source);
  if (typeof value === "boolean") return String(value);
  return typeof value === "string" ? value : undefined;
}

function isSame(value: unknown, text: string, withTimes: boolean): boolean {
  if (typeof value === "boolean") return String(value) === text;
  if (value instanceof NumberText) return compareNumbers(value.source, text) === 0;
  if (typeof value !== "string") return false;
  if (value === text) return true;
  const [a, b] = [timeOf(value), timeOf(text)];
  return withTimes && a !== undefined && b !== undefined && sameTime(a, b);
}
