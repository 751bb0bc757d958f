/**
 * Milliseconds of a `Retry-After` header: decimal seconds (fractions allowed) or an HTTP date.
 * Negative, past and unreadable values give 0; a missing header gives undefined, so that the
 * caller can look into the body.
 *
 * @example parseRetryAfter("1.5") // 1500
 */
export function parseRetryAfter(
  header: string | undefined,
  nowMs: number = Date.now(),
): number | undefined {
  const text = header?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d*)?$/.test(text)) return Math.ceil(Number(text) * 1_000);
  // Only dates that name a month are HTTP dates; Date.parse alone would take "-3" for a year.
  if (!/[A-Za-z]{3}/.test(text)) return 0;
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}
