/** The queue workload is deterministic, passes, and finds the bugs it was made to find. */
import { expect, test } from "vitest";
import { mutantTests } from "../mutant-tests.ts";
import { extraMutants } from "./extra-mutants.ts";
import { queueMutants } from "./mutants.ts";
import { queueScenarioOf } from "./scenario.ts";
import { runQueueScenario } from "./world.ts";

const budget = 400;
const first = 40_000;

test("the same seed gives the same trace", async () => {
  for (const seed of [3, 8, 100_003, 100_008]) {
    const one = await runQueueScenario(queueScenarioOf(seed));
    const other = await runQueueScenario(queueScenarioOf(seed));
    expect(one.traceHash).toBe(other.traceHash);
    expect(one.delivered).toBeGreaterThan(5);
  }
}, 60_000);

mutantTests({
  mutants: queueMutants,
  first,
  budget,
  run: (seed, options) => runQueueScenario(queueScenarioOf(seed), options),
});

/** Of what only newer seeds do. */
mutantTests({
  mutants: extraMutants,
  first: 110_000,
  budget,
  run: (seed, options) => runQueueScenario(queueScenarioOf(seed), options),
});
