/** Values as users type them (cli.md sections 3 and 4): durations, sizes, switches, waits. */
import { UsageError } from "./usage-error.ts";

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const durationPart = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/y;

/** Milliseconds. A hundred years; what is longer is a slip of the pen. */
const durationMsMax = 876_000 * 3_600_000;

/** Milliseconds. Longer ones a timer of Node would end at once. */
const timeLimitMsMax = 2 ** 31 - 1;

/**
 * Milliseconds of a duration such as `1m30s` or `250ms`; `0` needs no unit.
 * @throws UsageError naming `what`
 */
export function parseDuration(text: string, what: string): number {
  const trimmed = text.trim();
  if (trimmed === "0") return 0;
  if (/^-[\d.]/.test(trimmed)) {
    throw new UsageError(`${what} "${trimmed}" must not be negative`);
  }
  let total = 0;
  durationPart.lastIndex = 0;
  for (let at = 0; at < trimmed.length; at = durationPart.lastIndex) {
    const match = durationPart.exec(trimmed);
    if (match === null) throw badDuration(trimmed, what);
    total += Number(match[1]) * (unitMs[match[2] ?? ""] ?? Number.NaN);
  }
  if (trimmed === "" || !Number.isFinite(total)) throw badDuration(trimmed, what);
  if (total > durationMsMax) {
    throw new UsageError(`${what} "${trimmed}" is too long; at most 876000h, a hundred years`);
  }
  return total;
}

/** Milliseconds of a limit that a timer keeps. @throws UsageError */
export function parseTimeLimit(text: string, what: string): number {
  const ms = parseDuration(text, what);
  if (ms <= timeLimitMsMax) return ms;
  throw new UsageError(`${what} "${text.trim()}" is too long; at most 596h, about 24 days`);
}

function badDuration(text: string, what: string): UsageError {
  return new UsageError(
    `${what} "${text}" is not a duration; write for example 250ms, 30s or 1m30s`,
  );
}

/** Whole seconds of a duration that must be positive, rounded up, at least 1. */
export function parseTtlSeconds(text: string, what: string): number {
  const ms = parseDuration(text, what);
  if (ms <= 0) throw new UsageError(`${what} must be more than 0`);
  return Math.max(1, Math.ceil(ms / 1000));
}

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of a size such as `100MiB` or `4.2MB`; a bare number is bytes. @throws UsageError */
export function parseSize(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  const factor = sizeUnits[match?.[2]?.toLowerCase() ?? "?"];
  if (match === null || factor === undefined) {
    throw new UsageError(`${what} "${text}" is not a size; write for example 64KiB or 100MB`);
  }
  return Math.round(Number(match[1]) * factor);
}

const foreverWords = new Set(["", "0", "forever", "wait-forever", "waitforever", "infinite"]);
const neverWords = new Set(["nowait", "no-wait"]);

/** Seconds to wait as the wire wants it: 0 for ever, -1 not at all (`--block`, cli.md 4). */
export function parseBlockSeconds(text: string): number {
  const word = text.trim().toLowerCase();
  if (foreverWords.has(word)) return 0;
  if (neverWords.has(word)) return -1;
  if (/^-\d/.test(word)) return -1;
  if (/^\d+$/.test(word)) return parseDuration(`${word}s`, "--block") / 1000;
  const ms = parseDuration(word, "--block");
  return ms === 0 ? 0 : Math.max(1, Math.ceil(ms / 1000));
}

const trueWords = new Set(["1", "t", "true", "yes", "on"]);
const falseWords = new Set(["0", "f", "false", "no", "off"]);

/** @throws UsageError */
export function parseSwitch(text: string, what: string): boolean {
  const word = text.trim().toLowerCase();
  if (trueWords.has(word)) return true;
  if (falseWords.has(word)) return false;
  throw new UsageError(`${what} "${text}" must be true or false`);
}

/** A whole number of at least `min`. @throws UsageError */
export function parseWhole(text: string, what: string, min: number): number {
  const value = /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new UsageError(`${what} "${text}" must be a whole number of at least ${min}`);
}
