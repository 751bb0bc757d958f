/** The simulator is deterministic, injects what it says, and finds the bugs it was made to find. */
import { expect, test } from "vitest";
import { runCampaign, seedsFrom } from "./campaign.ts";
import { mutantTests } from "./mutant-tests.ts";
import { mutants } from "./mutants.ts";
import { scenarioOf } from "./scenario.ts";
import { runScenario } from "./world.ts";

const budget = 120;
const first = 20_000;

test("the same seed gives the same trace", async () => {
  for (const seed of [4, 6, 8]) {
    const [one, other] = [await runScenario(scenarioOf(seed)), await runScenario(scenarioOf(seed))];
    expect(one.traceHash).toBe(other.traceHash);
    expect(one.operations).toBeGreaterThan(50);
  }
}, 60_000);

test("few searches give up", async () => {
  const tally = await runCampaign({ seeds: seedsFrom(first, 20) });
  expect(tally.failed.map(({ seed, violations }) => [seed, violations[0]])).toEqual([]);
  expect(tally.inconclusive / tally.keys).toBeLessThan(0.1);
}, 120_000);

mutantTests({
  mutants,
  first,
  budget,
  run: (seed, options) => runScenario(scenarioOf(seed), options),
});
