import { LockdConfigError } from "../api/errors.ts";
import type { Call, CallOptions } from "./types.ts";

/** The options of a call, whichever of the two forms was given. */
export function callOptions<T extends object>(
  given: Call<T> | undefined,
): Partial<T> & CallOptions {
  if (given === undefined) return {};
  if (given instanceof AbortSignal) return { signal: given } as Partial<T> & CallOptions;
  return given as Partial<T> & CallOptions;
}

/** Milliseconds to whole seconds of the wire, rounded up; 0 stays 0. */
export function wireSeconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1_000);
}

/** @throws LockdConfigError unless `value` is a positive finite number */
export function positiveMs(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new LockdConfigError("invalid_option", `${name} must be a number above 0`);
}
