/** Instants as mutations write them: RFC 3339 in UTC, the fraction without trailing zeros. */

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

function withFraction(date: Date, digits: string): string {
  const fraction = digits.replace(/0+$/, "");
  return `${date.toISOString().slice(0, 19)}${fraction === "" ? "" : `.${fraction}`}Z`;
}

/** An instant of a clock, to the millisecond. */
export function utcText(date: Date): string {
  return withFraction(date, date.toISOString().slice(20, 23));
}

/**
 * An RFC 3339 time with zone, in UTC, to the nanosecond; undefined when it is none.
 *
 * @example utcTextOf("2025-01-02T03:04:05+02:00") // 2025-01-02T01:04:05Z
 */
export function utcTextOf(text: string): string | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const local = new Date(0);
  local.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day);
  local.setUTCHours(hour ?? 0, minute, second);
  const shown = `${match[1]}-${match[2]}-${match[3]}T${match[4]}:${match[5]}:${match[6]}`;
  // A 31st of June or a 24th hour comes back as another time.
  if (local.toISOString().slice(0, 19) !== shown) return undefined;
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const sign = match[8] === "-" ? 1 : -1;
  const utc = new Date(local.getTime() + sign * (offsetHours * 60 + offsetMinutes) * 60_000);
  const inRange = utc.getUTCFullYear() >= 0 && utc.getUTCFullYear() <= 9999;
  return inRange ? withFraction(utc, match[7] ?? "") : undefined;
}
