/** The transaction workload is deterministic, passes, and finds the bugs it was made to find. */
import { expect, test } from "vitest";
import { seedsFrom } from "../campaign.ts";
import { txnMutants } from "./mutants.ts";
import { runTxnSeed } from "./world.ts";

/** Seeds a mutant is looked for in. */
const budget = 300;
const first = 50_000;

test("the same seed gives the same trace", async () => {
  for (const seed of [3, 8]) {
    const [one, other] = [await runTxnSeed(seed), await runTxnSeed(seed)];
    expect(one.traceHash).toBe(other.traceHash);
    expect(one.attempts).toBeGreaterThan(5);
  }
}, 60_000);

test("transactions as they are pass the seeds in which the mutants are found", async () => {
  let committed = 0;
  const failed: unknown[] = [];
  for (const seed of seedsFrom(first, budget)) {
    const report = await runTxnSeed(seed);
    committed += report.committed;
    if (report.violations.length > 0) failed.push([seed, report.violations[0]]);
  }
  expect(failed).toEqual([]);
  expect(committed).toBeGreaterThan(budget);
}, 180_000);

/** What they once found: see the history of this file's folder. */
test("kept seeds stay green", async () => {
  for (const seed of [1723, 1890, 1937, 2282, 2365]) {
    expect((await runTxnSeed(seed)).violations).toEqual([]);
  }
}, 60_000);

test.each(txnMutants.map((mutant) => [mutant.name, mutant] as const))(
  "found within the budget: %s",
  async (_name, mutant) => {
    let found = false;
    for (const seed of seedsFrom(first, budget)) {
      found = (await runTxnSeed(seed, { mutant })).violations.length > 0;
      if (found) break;
    }
    expect(found).toBe(true);
  },
  180_000,
);
