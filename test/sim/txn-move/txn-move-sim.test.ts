/** Moving messages in transactions passes under faults, and finds the bugs it was made to find. */
import { expect, test } from "vitest";
import { seedsFrom } from "../campaign.ts";
import { moveMutants } from "./mutants.ts";
import { runMoveSeed } from "./world.ts";

/** Seeds a mutant is looked for in. */
const budget = 120;
const first = 70_000;

test("the same seed gives the same trace", async () => {
  for (const seed of [3, 8]) {
    const [one, other] = [await runMoveSeed(seed), await runMoveSeed(seed)];
    expect(one.traceHash).toBe(other.traceHash);
    expect(one.moves).toBeGreaterThan(5);
  }
}, 60_000);

test("moves as they are pass the seeds in which the mutants are found", async () => {
  let committed = 0;
  const failed: unknown[] = [];
  for (const seed of seedsFrom(first, budget)) {
    const report = await runMoveSeed(seed);
    committed += report.committed;
    if (report.violations.length > 0) failed.push([seed, report.violations[0]]);
  }
  expect(failed).toEqual([]);
  expect(committed).toBeGreaterThan(budget);
}, 180_000);

/** 77: a dequeue that could neither enlist nor give back went on, and lost a message. */
test("kept seeds stay green", async () => {
  for (const seed of [77, 174]) {
    expect((await runMoveSeed(seed)).violations).toEqual([]);
  }
}, 60_000);

test.each(moveMutants.map((mutant) => [mutant.name, mutant] as const))(
  "found within the budget: %s",
  async (_name, mutant) => {
    let found = false;
    for (const seed of seedsFrom(first, budget)) {
      found = (await runMoveSeed(seed, { mutant })).violations.length > 0;
      if (found) break;
    }
    expect(found).toBe(true);
  },
  180_000,
);
