/** The simulator is deterministic, injects what it says, and finds the bugs it was made to find. */
import { expect, test } from "vitest";
import { runCampaign, seedsFrom } from "./campaign.ts";
import { mutants } from "./mutants.ts";
import { scenarioOf } from "./scenario.ts";
import { runScenario } from "./world.ts";

/** Seeds a mutant is looked for in: fewer than `npm run sim` runs. */
const budget = 120;
const first = 20_000;

test("the same seed gives the same trace", async () => {
  for (const seed of [1, 5, 9]) {
    const [one, other] = [await runScenario(scenarioOf(seed)), await runScenario(scenarioOf(seed))];
    expect(one.traceHash).toBe(other.traceHash);
    expect(one.operations).toBeGreaterThan(50);
  }
}, 60_000);

test("lockd as it is passes the seeds in which the mutants are found", async () => {
  const tally = await runCampaign({ seeds: seedsFrom(first, budget) });
  expect(tally.failed.map(({ seed, violations }) => [seed, violations[0]])).toEqual([]);
  expect(tally.inconclusive / tally.keys).toBeLessThan(0.1);
}, 120_000);

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "found within the budget: %s",
  async (_name, mutant) => {
    const tally = await runCampaign({
      seeds: seedsFrom(first, budget),
      mutant,
      enough: ({ failed }) => failed.length > 0,
    });
    expect(tally.failed.length).toBeGreaterThan(0);
  },
  120_000,
);
