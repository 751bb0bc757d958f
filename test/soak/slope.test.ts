import { expect, test } from "vitest";
import { growth, type Sample, slopePerHour } from "./slope.ts";

const minuteMs = 60_000;

function samples(count: number, bytesAt: (minute: number) => number): readonly Sample[] {
  return Array.from({ length: count }, (_, minute) => ({
    atMs: minute * minuteMs,
    bytes: bytesAt(minute),
  }));
}

test("what does not grow has no slope, whatever the warm-up was", () => {
  const flat = samples(61, (minute) => (minute < 15 ? minute * 1_000_000 : 50_000_000));
  expect(slopePerHour(flat)).toBeCloseTo(0, 6);
  expect(growth(flat)).toBe(1);
});

test("a leak of two per cent an hour is seen under noise", () => {
  const noise = (minute: number): number => ((minute * 7919) % 11) * 20_000 - 100_000;
  const leaking = samples(61, (minute) => 50_000_000 + (minute / 60) * 1_000_000 + noise(minute));
  expect(slopePerHour(leaking)).toBeGreaterThan(1.5);
  expect(slopePerHour(leaking)).toBeLessThan(2.5);
});

test("growth compares the halves after the warm-up", () => {
  expect(growth(samples(101, (minute) => 1_000 + minute * 10))).toBeCloseTo(1.23, 1);
});

test("too few samples say nothing", () => {
  expect(slopePerHour(samples(2, () => 1))).toBeUndefined();
});
