import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  compareTemporals,
  parseTemporal,
  type Temporal,
  temporalMacro,
  temporalOfMacro,
  temporalsEqual,
} from "../../src/lql/temporal.ts";

function time(text: string): Temporal {
  const literal = parseTemporal(text);
  if (literal === undefined) throw new Error(`${text} is no time`);
  return literal;
}

describe("temporal literals", () => {
  test.each([
    "2025-02-29",
    "2025-13-01",
    "2025-00-01",
    "2025-01-00",
    "2025-04-31",
    "1900-02-29",
    "25-01-01",
    "2025-1-1",
    "2025-01-01T",
    "2025-01-01T10:00",
    "2025-01-01 10:00:00",
    "2025-01-01T24:00:00Z",
    "2025-01-01T10:60:00Z",
    "2025-01-01T23:59:60Z",
    "2025-01-01T10:00:00.Z",
    "2025-01-01T10:00:00.1234567890Z",
    "2025-01-01T10:00:00+0200",
    "2025-01-01T10:00:00+24:00",
    "2025-01-01T10:00:00ZZ",
    "2025-01-01T10:00:00Z+01:00",
    "2025-01-01Z",
    "now",
    " 2025-01-01",
    "٢٠٢٥-01-01",
  ])("%j is none", (text) => {
    expect(parseTemporal(text)).toBeUndefined();
  });

  it("reads fractions, offsets and times without zone", () => {
    expect(time("2025-03-01T10:00:00.5+02:00")).toEqual({
      kind: "instant",
      seconds: Date.UTC(2025, 2, 1, 8) / 1_000,
      nanos: 500_000_000,
      day: Date.UTC(2025, 2, 1) / 86_400_000,
    });
    expect(time("2025-03-01T10:00:00.000000001")).toMatchObject({ nanos: 1 });
    expect(temporalsEqual(time("2025-03-01T10:00:00"), time("2025-03-01T10:00:00Z"))).toBe(true);
    expect(time("0000-02-29")).toMatchObject({ kind: "date" });
  });

  it("counts seconds as the calendar does", () => {
    const instants = fc.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(instants, (instant) => {
        const text = instant.toISOString();
        const seconds = Math.floor(instant.getTime() / 1_000);
        const nanos = (instant.getTime() - seconds * 1_000) * 1e6;
        expect(parseTemporal(text)).toMatchObject({ kind: "instant", seconds, nanos });
      }),
    );
  });

  test.each([
    ["2025-03-01", "2025-03-01T00:00:00Z", 0, true],
    ["2025-03-01", "2025-03-01T23:30:00-05:00", -1, true],
    ["2025-03-02", "2025-03-01T23:30:00-05:00", -1, false],
    ["2025-03-01", "2025-03-01T00:30:00+02:00", 1, true],
    ["2025-03-01T10:00:00Z", "2025-03-01T12:00:00+02:00", 0, true],
    ["2025-03-01T10:00:00.000000001Z", "2025-03-01T10:00:00Z", 1, false],
    ["2025-03-01", "2025-03-01", 0, true],
    ["2025-03-01", "2025-03-02", -1, false],
  ])("%s against %s: order %i, equal %s", (a, b, order, equal) => {
    expect(Math.sign(compareTemporals(time(a), time(b)))).toBe(order);
    expect(temporalsEqual(time(a), time(b))).toBe(equal);
    expect(temporalsEqual(time(b), time(a))).toBe(equal);
  });

  it("turns macros into literals of the clock that is handed in", () => {
    const nowMs = Date.UTC(2025, 0, 1, 5, 0, 0, 250);
    expect(temporalOfMacro("now", nowMs)).toEqual(time("2025-01-01T05:00:00.25Z"));
    expect(temporalOfMacro("today", nowMs)).toEqual(time("2025-01-01"));
    expect(temporalOfMacro("yesterday", nowMs)).toEqual(time("2024-12-31"));
    expect(temporalMacro("ToDay")).toBe("today");
    expect(temporalMacro("tomorrow")).toBeUndefined();
  });
});
