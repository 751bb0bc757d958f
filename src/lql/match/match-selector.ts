/** Selectors for programs that hold one document. */
import { checkSelector } from "../selector/check-selector.ts";
import type { Selector } from "../selector/selector.ts";
import { compileSelector } from "./compile-selector.ts";

/**
 * Whether a document matches: an object, or JSON as text or bytes, which keeps the digits of its
 * numbers. The answer is the one a query gives for the same published state.
 *
 * @param now milliseconds since 1970 that `now`, `today` and `yesterday` mean; default: the clock's
 * @throws LockdApiError invalid_selector
 * @example matchSelector(parseSelector("/n>=10"), { n: 12 }) // true
 */
export function matchSelector(
  selector: Selector,
  document: object | Uint8Array | string,
  { now = Date.now() }: { readonly now?: number } = {},
): boolean {
  const matcher = compileSelector(checkSelector(selector), { nowMs: now });
  if (document instanceof Uint8Array) return matcher.matches(document);
  return matcher.matches(
    Buffer.from(typeof document === "string" ? document : JSON.stringify(document)),
  );
}
