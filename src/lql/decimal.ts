/**
 * Exact decimals: JSON number texts compared by the value they denote, without doubles and without
 * writing a number out. `1e1000000` costs its nine characters, not a million digits.
 */

/**
 * A decimal as sign, digits and the place of its point: the value is 0.`digits` times ten to the
 * power of `point`. Digits have no zero at either end; zero has none, and no sign.
 */
export interface ExactDecimal {
  readonly negative: boolean;
  readonly digits: string;
  /** A bigint only where the exponent as written is beyond what a double counts exactly. */
  readonly point: number | bigint;
}

/**
 * Zeros that {@link plainDecimal} pads with at most. All doubles fit in; beyond it the text is
 * scientific, so that nobody can make us write a gigabyte with nine characters.
 */
const paddingZerosMax = 1_000;

/** Digits of an exponent that a double still adds to exactly. */
const exactExponentDigits = 15;

/**
 * Digits of an exponent at most, leading zeros aside. Whole numbers of more digits take more than
 * linear time to read; such a text denotes nothing here, like one that is no number.
 */
const exponentDigitsMax = 1_000;

const zero: ExactDecimal = { negative: false, digits: "", point: 0 };

const code0 = 0x30;
const code9 = 0x39;

function digitsEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code < code0 || code > code9) break;
    at += 1;
  }
  return at;
}

/** Where the parts of a JSON number end; undefined when the text is none. */
interface NumberParts {
  readonly integerFrom: number;
  readonly integerEnd: number;
  /** Equal to `fractionEnd` when there is no fraction. */
  readonly fractionFrom: number;
  readonly fractionEnd: number;
  /** Of the exponent's sign or first digit; equal to the text's length when there is none. */
  readonly exponentFrom: number;
}

function numberParts(text: string): NumberParts | undefined {
  const integerFrom = text.charCodeAt(0) === 0x2d ? 1 : 0;
  const integerEnd = digitsEnd(text, integerFrom);
  if (integerEnd === integerFrom) return undefined;
  if (text.charCodeAt(integerFrom) === code0 && integerEnd > integerFrom + 1) return undefined;
  let fractionFrom = integerEnd;
  let at = integerEnd;
  if (text.charCodeAt(at) === 0x2e) {
    fractionFrom = at + 1;
    at = digitsEnd(text, fractionFrom);
    if (at === fractionFrom) return undefined;
  }
  const fractionEnd = at;
  if (at === text.length) {
    return { integerFrom, integerEnd, fractionFrom, fractionEnd, exponentFrom: at };
  }
  if ((text.charCodeAt(at) | 0x20) !== 0x65) return undefined;
  const exponentFrom = at + 1;
  const sign = text.charCodeAt(exponentFrom);
  const exponentDigits = sign === 0x2b || sign === 0x2d ? exponentFrom + 1 : exponentFrom;
  const end = digitsEnd(text, exponentDigits);
  if (end === exponentDigits || end !== text.length) return undefined;
  return { integerFrom, integerEnd, fractionFrom, fractionEnd, exponentFrom };
}

/** True when the text is a number as JSON writes them: no `+1`, `.5`, `01`, `nan`. */
export function isJsonNumber(text: string): boolean {
  return numberParts(text) !== undefined;
}

/**
 * The decimal a JSON number text denotes; undefined when the text is no JSON number, or has an
 * exponent of more than a thousand digits.
 */
export function parseExactDecimal(text: string): ExactDecimal | undefined {
  const parts = numberParts(text);
  if (parts === undefined) return undefined;
  const { integerFrom, integerEnd, fractionFrom, fractionEnd, exponentFrom } = parts;
  const written = text.slice(integerFrom, integerEnd) + text.slice(fractionFrom, fractionEnd);
  let from = 0;
  let to = written.length;
  while (from < to && written.charCodeAt(from) === code0) from += 1;
  if (from === to) return zero;
  while (written.charCodeAt(to - 1) === code0) to -= 1;
  const point = addExponent(integerEnd - integerFrom - from, text.slice(exponentFrom));
  if (point === undefined) return undefined;
  return { negative: integerFrom === 1, digits: written.slice(from, to), point };
}

function addExponent(point: number, exponent: string): number | bigint | undefined {
  if (exponent === "") return point;
  let from = exponent.startsWith("-") || exponent.startsWith("+") ? 1 : 0;
  const negative = exponent.startsWith("-");
  while (from < exponent.length - 1 && exponent.charCodeAt(from) === code0) from += 1;
  const digits = exponent.slice(from);
  if (digits.length <= exactExponentDigits) {
    return negative ? point - Number(digits) : point + Number(digits);
  }
  if (digits.length > exponentDigitsMax) return undefined;
  return negative ? BigInt(point) - BigInt(digits) : BigInt(point) + BigInt(digits);
}

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compareDecimals(a: ExactDecimal, b: ExactDecimal): number {
  const signA = signOf(a);
  const signB = signOf(b);
  if (signA !== signB) return signA - signB;
  if (signA === 0) return 0;
  return signA * compareMagnitudes(a, b);
}

function signOf({ negative, digits }: ExactDecimal): number {
  if (digits === "") return 0;
  return negative ? -1 : 1;
}

function compareMagnitudes(a: ExactDecimal, b: ExactDecimal): number {
  if (a.point < b.point) return -1;
  if (a.point > b.point) return 1;
  // Digits behind the point, without trailing zeros: their order as texts is their order as values.
  if (a.digits === b.digits) return 0;
  return a.digits < b.digits ? -1 : 1;
}

/**
 * The one text of a decimal value: plain digits (`1.0` and `10e-1` are `1`, `-0` is `0`), or
 * `d.ddde±n` where plain digits need more than 1,000 padding zeros. Always a JSON number.
 */
export function plainDecimal({ negative, digits, point }: ExactDecimal): string {
  if (digits === "") return "0";
  const sign = negative ? "-" : "";
  if (typeof point === "bigint" || point < -paddingZerosMax) {
    return sign + scientific(digits, point);
  }
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (point < digits.length) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  if (point - digits.length > paddingZerosMax) return sign + scientific(digits, point);
  return sign + digits + "0".repeat(point - digits.length);
}

function scientific(digits: string, point: number | bigint): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  const exponent = typeof point === "bigint" ? point - 1n : point - 1;
  return `${digits[0]}${fraction}e${exponent < 0 ? "" : "+"}${exponent}`;
}

/** {@link plainDecimal} of a number text; undefined when it is no JSON number. */
export function canonicalNumber(text: string): string | undefined {
  const decimal = parseExactDecimal(text);
  return decimal === undefined ? undefined : plainDecimal(decimal);
}
