import { describe, expect, it } from "vitest";
import { parseRetryAfter } from "../../src/client/retry-after.ts";

describe("parseRetryAfter", () => {
  const now = Date.parse("Tue, 15 Nov 2022 08:12:31 GMT");

  it.each([
    ["1.5", 1_500],
    ["2", 2_000],
    [" 0.0001 ", 1],
    ["0", 0],
    ["-3", 0],
    ["junk", 0],
    ["2022", 2_022_000],
    ["Tue, 15 Nov 2022 08:12:33 GMT", 2_000],
    ["Tue, 15 Nov 2022 08:12:00 GMT", 0],
  ])("cases 15 and 16: %j", (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });

  it("tells a missing header from zero", () => {
    expect(parseRetryAfter(undefined, now)).toBeUndefined();
    expect(parseRetryAfter("  ", now)).toBeUndefined();
  });
});
