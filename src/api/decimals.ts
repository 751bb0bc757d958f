/** Numbers and flags as callers send them: header text or values (http-core.md section 3.3). */
import type { ErrorCode } from "./error-registry.ts";
import { failure } from "./errors.ts";
import type { Decimal } from "./lockd.ts";

const decimalPattern = /^[+-]?\d{1,19}$/;
const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/**
 * The number in `raw`, or undefined when it is absent or blank. Values beyond 2^53 are legal 64-bit
 * integers but equal nothing lockd ever hands out, so their rounded form is good enough to compare.
 * @throws `code` when it is not a signed 64-bit decimal
 */
export function parseDecimal(
  raw: Decimal | undefined,
  code: ErrorCode,
  what: string,
): number | undefined {
  if (raw === undefined) return undefined;
  if (typeof raw === "number") {
    if (Number.isInteger(raw)) return raw;
    throw failure(code, `${what} must be an integer, not ${raw}`);
  }
  const text = raw.trim();
  if (text === "") return undefined;
  if (decimalPattern.test(text)) {
    const value = Number(text);
    if (Number.isSafeInteger(value)) return value;
    if (isInt64(text)) return value;
  }
  throw failure(code, `${what} must be a decimal integer, not "${text.slice(0, 40)}"`);
}

/** True for a decimal integer that fits into 64 signed bits. */
export function isInt64(text: string): boolean {
  if (!decimalPattern.test(text)) return false;
  const exact = BigInt(text);
  return exact <= int64Max && exact >= int64Min;
}

const trueTexts = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const falseTexts = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** @throws invalid_metadata */
export function parseQueryHidden(raw: boolean | string | undefined): boolean | undefined {
  if (raw === undefined || typeof raw === "boolean") return raw;
  const text = raw.trim();
  if (text === "") return undefined;
  if (trueTexts.has(text)) return true;
  if (falseTexts.has(text)) return false;
  throw failure(
    "invalid_metadata",
    `query_hidden must be true or false, not "${text.slice(0, 40)}"`,
  );
}

/** The etag condition without white space and quotes; undefined when blank (section 3.3). */
export function parseEtag(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  const text = raw.replace(/^[\s"]+|[\s"]+$/g, "");
  return text === "" ? undefined : text;
}
