/** Ranges as monitoring plugins write them: `10`, `10:`, `~:10`, `5:10`, `@5:10`. */
import { UsageError } from "../usage-error.ts";

/** Values that are good are from `start` to `end`; the other way round when `inside`. */
export interface Range {
  /** As written, for the performance data. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** True: alert inside of the range, ends included. */
  readonly inside: boolean;
}

const form = /^(@?)(?:(~|-?\d+(?:\.\d+)?)?(:))?(-?\d+(?:\.\d+)?)?$/;

/**
 * @example isAlert(parseRange("10", "--warning"), 11) // true: above 0 to 10
 * @throws UsageError
 */
export function parseRange(text: string, what: string): Range {
  const trimmed = text.trim();
  const [, at = "", from, colon, to] = form.exec(trimmed) ?? [];
  const isEmpty = from === undefined && to === undefined;
  const start = from === "~" ? -Infinity : Number(from ?? 0);
  const end = to === undefined ? Infinity : Number(to);
  if (!form.test(trimmed) || isEmpty || (colon === undefined && to === undefined) || start > end) {
    throw new UsageError(`${what} "${trimmed}" is not a range; write 10, 10:, ~:10, 5:10 or @5:10`);
  }
  return { text: trimmed, start, end, inside: at === "@" };
}

export function isAlert(range: Range, value: number): boolean {
  const isWithin = value >= range.start && value <= range.end;
  return isWithin === range.inside;
}
