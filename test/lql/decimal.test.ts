import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  canonicalNumber,
  compareDecimals,
  isJsonNumber,
  parseExactDecimal,
} from "../../src/lql/decimal.ts";

function compare(a: string, b: string): number {
  const [x, y] = [parseExactDecimal(a), parseExactDecimal(b)];
  if (x === undefined || y === undefined) throw new Error("no number");
  // + 0: a negative zero is a zero.
  return Math.sign(compareDecimals(x, y)) + 0;
}

describe("exact decimals", () => {
  test.each([
    ["1", "1.0", 0],
    ["1", "10e-1", 0],
    ["-0", "0e99", 0],
    ["9007199254740993", "9007199254740992", 1],
    ["1e1000000", "1", 1],
    ["-1e1000000", "1", -1],
    ["1e-1000000", "0", 1],
    ["1e1000000", "10e999999", 0],
    ["0.1", "0.09999999999999999999999999", 1],
    ["-2", "-10", 1],
    ["123", "12", 1],
    ["1e10000000000000000", "1e10000000000000001", -1],
    ["1e9007199254740993", "10e9007199254740992", 0],
    ["1e-10000000000000000", "1e-10000000000000001", 1],
    ["0.1e1000000000000000", "1e999999999999999", 0],
    ["1e0000000000000000000000005", "100000", 0],
  ])("%s against %s is %i", (a, b, expected) => {
    expect(compare(a, b)).toBe(expected);
    expect(compare(b, a) + expected).toBe(0);
  });

  test.each([
    ["1.0", "1"],
    ["1e3", "1000"],
    ["-0", "0"],
    ["-0.0e5", "0"],
    ["1.50", "1.5"],
    ["-12.5e-1", "-1.25"],
    ["1e-3", "0.001"],
    ["120e-1", "12"],
    ["9007199254740993", "9007199254740993"],
    ["1e1000000", "1e+1000000"],
    ["123e99999", "1.23e+100001"],
    ["-12e-5000", "-1.2e-4999"],
    ["1e99999999999999999999", "1e+99999999999999999999"],
  ])("%s is plainly %s", (written, plain) => {
    expect(canonicalNumber(written)).toBe(plain);
    expect(canonicalNumber(plain)).toBe(plain);
  });

  test.each(["", "-", "+1", ".5", "5.", "01", "1e", "1e+", "nan", "inf", " 1", "1 ", "0x1", "1_0"])(
    "%j is no number",
    (text) => {
      expect(isJsonNumber(text)).toBe(false);
      expect(canonicalNumber(text)).toBeUndefined();
    },
  );

  it("does not read exponents of more than a thousand digits", () => {
    expect(parseExactDecimal(`1e${"9".repeat(1_000)}`)).toBeDefined();
    expect(parseExactDecimal(`1e${"9".repeat(1_001)}`)).toBeUndefined();
    expect(parseExactDecimal(`0e${"9".repeat(1_001)}`)).toBeDefined();
  });

  it("orders like doubles where doubles are exact", () => {
    const exact = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(exact, exact, (a, b) => {
        expect(compare(String(a / 64), String(b / 64))).toBe(Math.sign(a - b) + 0);
      }),
    );
  });

  it("prints every value that doubles can hold so that it reads back", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const plain = canonicalNumber(String(value)) ?? "";
        expect(plain).not.toContain("e");
        expect(Number(plain)).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});
