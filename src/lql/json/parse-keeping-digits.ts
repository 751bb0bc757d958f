import { canonicalNumber } from "../decimal.ts";

/** A number that a double may not hold; only then every number is looked at. */
const delicateNumber = /\d[.eE]|\d{16}/;

/** What the engine hands a reviver; the library's types do not know the third argument yet. */
type Reviver = (name: string, value: unknown, context?: { readonly source?: string }) => unknown;

/**
 * As JSON.parse, but a number that a double would change becomes the text of its plain decimal,
 * which means the same in a selector (query-and-lql.md section 5).
 * @throws SyntaxError
 */
export function parseKeepingDigits(text: string): unknown {
  if (!delicateNumber.test(text)) return JSON.parse(text);
  try {
    return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, keepDigits);
  } catch (error) {
    // Revivers are called from the inside out, by recursion.
    if (error instanceof RangeError) throw new SyntaxError("nested too deeply", { cause: error });
    throw error;
  }
}

function keepDigits(
  _name: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  const exact = canonicalNumber(context.source);
  return exact === undefined || exact === canonicalNumber(String(value)) ? value : exact;
}
