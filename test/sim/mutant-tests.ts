/**
 * Tests that a world finds the bugs it was made to find: each mutant fails within so many seeds,
 * and lockd as it is passes the very seed that shows it. That lockd passes many seeds is what
 * `npm run sim` is there for, not these tests.
 */
import { expect, test } from "vitest";
import { seedsFrom } from "./campaign.ts";
import type { Mutant } from "./mutant.ts";
import type { Violation } from "./violation.ts";

export interface MutantHunt {
  readonly mutants: readonly Mutant[];
  readonly run: (
    seed: number,
    options: { readonly mutant?: Mutant },
  ) => Promise<{ readonly violations: readonly Violation[] }>;
  /** Seeds a mutant is looked for in: fewer than `npm run sim` runs. */
  readonly first: number;
  readonly budget: number;
}

export function mutantTests({ mutants, run, first, budget }: MutantHunt): void {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "found within the budget: %s",
    async (_name, mutant) => {
      let found: number | undefined;
      for (const seed of seedsFrom(first, budget)) {
        const { violations } = await run(seed, { mutant });
        if (violations.length === 0) continue;
        found = seed;
        break;
      }
      expect(found).toBeDefined();
      expect((await run(found ?? first, {})).violations).toEqual([]);
    },
    180_000,
  );
}
