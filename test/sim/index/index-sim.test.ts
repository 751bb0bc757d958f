/** After the faults the index equals a scan; and the simulator would notice if it did not. */
import { expect, test } from "vitest";
import { mutantTests } from "../mutant-tests.ts";
import { indexMutants } from "./index-mutants.ts";
import { type IndexRun, runIndexWorld } from "./index-world.ts";

const budget = 60;
const first = 30_000;

test("the same seed gives the same trace", async () => {
  const [one, other] = [await runIndexWorld(7), await runIndexWorld(7)];
  expect(one).toEqual(other);
});

test("there is something to publish, and something goes wrong", async () => {
  const runs: IndexRun[] = [];
  for (let seed = first; seed < first + 10; seed += 1) runs.push(await runIndexWorld(seed));
  expect(runs.reduce((sum, { publications }) => sum + publications, 0)).toBeGreaterThan(50);
  expect(runs.reduce((sum, { faults }) => sum + faults, 0)).toBeGreaterThan(50);
}, 60_000);

mutantTests({ mutants: indexMutants, first, budget, run: runIndexWorld });
