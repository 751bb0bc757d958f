import { failure } from "../../api/errors.ts";
import { isIntegerText } from "./mutation-value.ts";

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/** Digits of the longest signed 64-bit integer, sign included. */
const int64LengthMax = 20;

/** How near a sum must be to a whole number to be written as one. */
const wholeTolerance = 1e-9;

/**
 * The JSON text of the sum of two JSON numbers (query-and-lql.md section 7.4): exact for integers
 * in 64 bits, else the sum of doubles.
 * @throws invalid_body when the sum does not fit
 */
export function addNumbers(current: string, delta: string): string {
  if (isIntegerText(current) && isIntegerText(delta)) return integerSum(current, delta);
  const sum = Number(current) + Number(delta);
  if (!Number.isFinite(sum)) throw overflow(current, delta);
  const whole = Math.round(sum);
  // A zero below zero has no place in a counter: -0 becomes 0.
  return String(Math.abs(sum - whole) <= wholeTolerance ? whole + 0 : sum);
}

function integerSum(current: string, delta: string): string {
  if (current.length > int64LengthMax || delta.length > int64LengthMax) {
    throw overflow(current, delta);
  }
  const [a, b] = [BigInt(current), BigInt(delta)];
  const sum = a + b;
  for (const value of [a, b, sum]) {
    if (value > int64Max || value < int64Min) throw overflow(current, delta);
  }
  return String(sum);
}

function overflow(current: string, delta: string): Error {
  const sum = `${current.slice(0, 40)} plus ${delta.slice(0, 40)}`;
  return failure("invalid_body", `${sum} is beyond the numbers a step can give`);
}
