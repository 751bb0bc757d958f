/** The wall clock that steps do not move, under given time sources. */
import { expect, test } from "vitest";
import { SystemClock } from "../../src/host/clock.ts";

function clockOf(start: { wall: number; mono: number }) {
  const now = { ...start };
  const steps: number[] = [];
  const clock = new SystemClock({
    wallMs: () => now.wall,
    monotonicMs: () => now.mono,
    onStep: (ms) => steps.push(ms),
  });
  return { clock, now, steps };
}

test("goes with the monotonic clock while both agree", () => {
  const { clock, now } = clockOf({ wall: 1_000_000, mono: 50 });
  now.wall += 5_000;
  now.mono += 5_000;
  expect(clock.wallMs()).toBe(1_005_000);
});

test.each([
  ["forward", 86_400_000],
  ["backward", -86_400_000],
])("a step %s by a day moves it by one hundredth of elapsed time at most", (_name, step) => {
  const { clock, now, steps } = clockOf({ wall: 1_000_000_000, mono: 0 });
  const before = clock.wallMs();
  now.wall += step;
  for (let second = 0; second < 30; second += 1) {
    now.wall += 1_000;
    now.mono += 1_000;
    clock.wallMs();
  }
  const moved = clock.wallMs() - before;
  expect(Math.abs(moved - 30_000)).toBeLessThanOrEqual(301);
  expect(Math.sign(moved - 30_000)).toBe(Math.sign(step));
  expect(steps).toEqual([step]);
});

test("never goes back", () => {
  const { clock, now } = clockOf({ wall: 1_000_000, mono: 0 });
  let before = clock.wallMs();
  for (let look = 0; look < 200; look += 1) {
    now.mono += 7;
    now.wall += look % 3 === 0 ? -500 : 40;
    const wall = clock.wallMs();
    expect(wall).toBeGreaterThanOrEqual(before);
    before = wall;
  }
});

test("a scheduled call runs once, and not after it was cancelled", async () => {
  const clock = new SystemClock();
  const ran: string[] = [];
  await new Promise<void>((resolve) => {
    const cancelled = clock.schedule(1, () => ran.push("cancelled"));
    clock.schedule(5, () => ran.push("kept"));
    cancelled.cancel();
    // Scheduled calls keep nothing alive; this timer does until they had their time.
    setTimeout(resolve, 60);
  });
  expect(ran).toEqual(["kept"]);
});
