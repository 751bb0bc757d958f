/** The queue workload is deterministic, passes, and finds the bugs it was made to find. */
import { expect, test } from "vitest";
import { seedsFrom } from "../campaign.ts";
import { runQueueCampaign } from "./campaign.ts";
import { queueMutants } from "./mutants.ts";
import { queueScenarioOf } from "./scenario.ts";
import { runQueueScenario } from "./world.ts";

/** Seeds a mutant is looked for in: fewer than `npm run sim` runs. */
const budget = 400;
const first = 40_000;

test("the same seed gives the same trace", async () => {
  for (const seed of [3, 8]) {
    const one = await runQueueScenario(queueScenarioOf(seed));
    const other = await runQueueScenario(queueScenarioOf(seed));
    expect(one.traceHash).toBe(other.traceHash);
    expect(one.delivered).toBeGreaterThan(5);
  }
}, 60_000);

test("queues as they are pass the seeds in which the mutants are found", async () => {
  const tally = await runQueueCampaign({ seeds: seedsFrom(first, budget) });
  expect(tally.failed.map(({ seed, violations }) => [seed, violations[0]])).toEqual([]);
  expect(tally.delivered).toBeGreaterThan(budget * 5);
}, 180_000);

test.each(queueMutants.map((mutant) => [mutant.name, mutant] as const))(
  "found within the budget: %s",
  async (_name, mutant) => {
    const tally = await runQueueCampaign({
      seeds: seedsFrom(first, budget),
      mutant,
      enough: ({ failed }) => failed.length > 0,
    });
    expect(tally.failed.length).toBeGreaterThan(0);
  },
  180_000,
);
