/** After the faults the index equals a scan; and the simulator would notice if it did not. */
import { expect, test } from "vitest";
import { indexMutants } from "./index-mutants.ts";
import { type IndexRun, runIndexWorld } from "./index-world.ts";

const budget = 60;
const first = 30_000;

async function runs(until: (run: IndexRun) => boolean = () => false): Promise<IndexRun[]> {
  const all: IndexRun[] = [];
  for (let seed = first; seed < first + budget; seed += 1) {
    const run = await runIndexWorld(seed);
    all.push(run);
    if (until(run)) break;
  }
  return all;
}

test("the same seed gives the same trace", async () => {
  const [one, other] = [await runIndexWorld(7), await runIndexWorld(7)];
  expect(one).toEqual(other);
});

test("every seed ends with an index that finds what a scan finds", async () => {
  const all = await runs();
  const failed = all.filter(({ violations }) => violations.length > 0);
  expect(failed.map(({ seed, violations }) => [seed, violations])).toEqual([]);
  expect(all.reduce((sum, { publications }) => sum + publications, 0)).toBeGreaterThan(budget * 5);
  expect(all.reduce((sum, { faults }) => sum + faults, 0)).toBeGreaterThan(budget * 5);
}, 120_000);

test.each(indexMutants.map((mutant) => [mutant.name, mutant] as const))(
  "found within the budget: %s",
  async (_name, mutant) => {
    const uninstall = mutant.install();
    try {
      const all = await runs(({ violations }) => violations.length > 0);
      expect(all.at(-1)?.violations.length).toBeGreaterThan(0);
    } finally {
      uninstall();
    }
  },
  120_000,
);
