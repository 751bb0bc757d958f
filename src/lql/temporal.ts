/**
 * Temporal literals and their two relations, order and equality (query-and-lql.md sections 3.5 and
 * 6.5). Instants keep nanoseconds, and the calendar day they were written on.
 */

export type Temporal =
  /** A calendar day, counted from 1970-01-01. */
  | { readonly kind: "date"; readonly day: number }
  | {
      readonly kind: "instant";
      /** Whole seconds since 1970-01-01T00:00:00Z, rounded down. */
      readonly seconds: number;
      readonly nanos: number;
      /** The day on the calendar of the offset the instant was written with. */
      readonly day: number;
    };

/** Words of `date{since=}` that the clock of the evaluating side turns into literals. */
export type TemporalMacro = "now" | "today" | "yesterday";

const secondsPerDay = 86_400;

/** Characters of the shortest and longest literal: a day; nanoseconds with an offset. */
export const temporalLengthMin = 10;
export const temporalLengthMax = 35;

/**
 * The literal in `text`: `2025-03-01`, or a date-time with up to nine fraction digits, in UTC
 * unless it ends with a zone. Undefined when it is none; there is no leap second and no hour 24.
 */
export function parseTemporal(text: string): Temporal | undefined {
  const { length } = text;
  if (length < temporalLengthMin || length > temporalLengthMax) return undefined;
  const day = dayAt(text);
  if (day === undefined) return undefined;
  if (length === 10) return { kind: "date", day };
  if ((text.charCodeAt(10) | 0x20) !== 0x74) return undefined;
  const time = timeAt(text);
  const fraction = fractionAt(text);
  if (time === undefined || fraction === undefined) return undefined;
  const offset = offsetAt(text, fraction.end);
  if (offset === undefined) return undefined;
  const seconds = day * secondsPerDay + time - offset;
  return { kind: "instant", seconds, nanos: fraction.nanos, day };
}

/** The number of `count` digits at `at`, or -1. */
function digitsAt(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i += 1) {
    const digit = text.charCodeAt(i) - 0x30;
    // Also the NaN behind the end of the text.
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function dayAt(text: string): number | undefined {
  const year = digitsAt(text, 0, 4);
  const month = digitsAt(text, 5, 2);
  const day = digitsAt(text, 8, 2);
  if (year < 0 || text[4] !== "-" || text[7] !== "-") return undefined;
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return undefined;
  return daysSinceEpoch(year, month, day);
}

function daysOfMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : 28;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar; years count from March. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function timeAt(text: string): number | undefined {
  const hours = digitsAt(text, 11, 2);
  const minutes = digitsAt(text, 14, 2);
  const seconds = digitsAt(text, 17, 2);
  if (text[13] !== ":" || text[16] !== ":") return undefined;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) {
    return undefined;
  }
  return hours * 3_600 + minutes * 60 + seconds;
}

function fractionAt(text: string): { nanos: number; end: number } | undefined {
  if (text[19] !== ".") return { nanos: 0, end: 19 };
  let end = 20;
  while (digitsAt(text, end, 1) >= 0) end += 1;
  const count = end - 20;
  if (count < 1 || count > 9) return undefined;
  return { nanos: digitsAt(text, 20, count) * 10 ** (9 - count), end };
}

/** Seconds east of UTC; a literal without zone is in UTC. */
function offsetAt(text: string, at: number): number | undefined {
  if (at === text.length) return 0;
  const sign = text[at];
  if (sign === "Z" || sign === "z") return at + 1 === text.length ? 0 : undefined;
  const hours = digitsAt(text, at + 1, 2);
  const minutes = digitsAt(text, at + 4, 2);
  const shaped = (sign === "+" || sign === "-") && text[at + 3] === ":" && at + 6 === text.length;
  if (!shaped || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  const seconds = hours * 3_600 + minutes * 60;
  return sign === "-" ? -seconds : seconds;
}

/** Negative, zero or positive by instant; a day counts as its first moment in UTC. */
export function compareTemporals(a: Temporal, b: Temporal): number {
  const seconds = secondsOf(a) - secondsOf(b);
  return seconds !== 0 ? seconds : nanosOf(a) - nanosOf(b);
}

function secondsOf(time: Temporal): number {
  return time.kind === "date" ? time.day * secondsPerDay : time.seconds;
}

function nanosOf(time: Temporal): number {
  return time.kind === "date" ? 0 : time.nanos;
}

/**
 * Equality of literals: the same day, or the same point in time; a day and an instant are equal
 * when the instant was written on that day of its own offset's calendar.
 */
export function temporalsEqual(a: Temporal, b: Temporal): boolean {
  if (a.kind === "instant" && b.kind === "instant") {
    return a.seconds === b.seconds && a.nanos === b.nanos;
  }
  return a.day === b.day;
}

/** The macro a text is, in any case; undefined when it is none. */
export function temporalMacro(text: string): TemporalMacro | undefined {
  if (text.length > 9) return undefined;
  const word = text.toLowerCase();
  return word === "now" || word === "today" || word === "yesterday" ? word : undefined;
}

/** What a macro means at `nowMs` (milliseconds since 1970); days are days in UTC. */
export function temporalOfMacro(macro: TemporalMacro, nowMs: number): Temporal {
  const seconds = Math.floor(nowMs / 1_000);
  const day = Math.floor(seconds / secondsPerDay);
  switch (macro) {
    case "now":
      return { kind: "instant", seconds, nanos: Math.floor(nowMs - seconds * 1_000) * 1e6, day };
    case "today":
      return { kind: "date", day };
    case "yesterday":
      return { kind: "date", day: day - 1 };
  }
}
