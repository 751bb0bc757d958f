import { expect, test } from "vitest";
import { leaseSpans } from "../../../src/tui/view-model/lease-spans.ts";
import { madeUpLease, madeUpLook, madeUpNowMs } from "../support/made-up.ts";

function look(afterMs: number, remainingMs: number) {
  const acquiredAtUnix = madeUpNowMs / 1000 - 10;
  const leases = [madeUpLease(0, { remainingMs, acquiredAtUnix })];
  return madeUpLook({ leases, nowUnixMs: madeUpNowMs + afterMs });
}

const wholeMs = (spans: ReturnType<typeof leaseSpans>) =>
  spans.get(madeUpLease(0).leaseId)?.wholeMs;

test("until a renewal is seen, a lease is taken to run from its grant", () => {
  const first = leaseSpans(new Map(), look(0, 20_000));
  expect(wholeMs(first)).toBe(30_000);
  expect(wholeMs(leaseSpans(first, look(5_000, 15_000)))).toBe(30_000);
});

test("a renewal shows how long the lease is given for; of several the longest", () => {
  const first = leaseSpans(new Map(), look(0, 2_000));
  const renewed = leaseSpans(first, look(3_000, 28_000));
  expect(wholeMs(renewed)).toBe(28_000);
  const again = leaseSpans(renewed, look(13_000, 29_500));
  expect(wholeMs(again)).toBe(29_500);
  expect(wholeMs(leaseSpans(again, look(23_000, 25_000)))).toBe(29_500);
});

test("what the server says is taken at its word, from the first look on", () => {
  const told = (remainingMs: number, ttlMs: number) =>
    madeUpLook({ leases: [madeUpLease(0, { remainingMs, ttlMs })] });
  const first = leaseSpans(new Map(), told(4_000, 60_000));
  expect(wholeMs(first)).toBe(60_000);
  // A renewal for another time shows at once.
  expect(wholeMs(leaseSpans(first, told(15_000, 15_000)))).toBe(15_000);
});

test("a lease older than any that is given has been renewed before it was seen", () => {
  const acquiredAtUnix = madeUpNowMs / 1000 - 7_200;
  const leases = [madeUpLease(0, { remainingMs: 20_000, acquiredAtUnix })];
  expect(wholeMs(leaseSpans(new Map(), madeUpLook({ leases })))).toBe(20_000);
});

test("leases that are not in the window are forgotten", () => {
  expect(leaseSpans(leaseSpans(new Map(), look(0, 1)), madeUpLook({ leases: [] })).size).toBe(0);
});
