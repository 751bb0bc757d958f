import { expect, test } from "vitest";
import { seedsFrom } from "../campaign.ts";
import type { Mutant } from "../mutant.ts";
import type { Violation } from "../violation.ts";

interface Report {
  readonly traceHash: string;
  readonly violations: readonly Violation[];
  readonly committed: number;
}

export interface Workload<Ran extends Report> {
  readonly run: (seed: number, options?: { readonly mutant?: Mutant }) => Promise<Ran>;
  /** What its clients did in a run. */
  readonly done: (report: Ran) => number;
  /** Seeds a mutant is looked for in. */
  readonly first: number;
  readonly budget: number;
  /** Seeds that failed once. */
  readonly kept: readonly number[];
  readonly mutants: readonly Mutant[];
}

/** What every workload of transactions is held to, and that it finds what it is there to find. */
export function workloadTests<Ran extends Report>(workload: Workload<Ran>): void {
  const { run, done, first, budget, kept, mutants } = workload;

  test("the same seed gives the same trace", async () => {
    for (const seed of [3, 8]) {
      const [one, other] = [await run(seed), await run(seed)];
      expect(one.traceHash).toBe(other.traceHash);
      expect(done(one)).toBeGreaterThan(5);
    }
  }, 60_000);

  test("lockd as it is passes the seeds in which the mutants are found", async () => {
    let committed = 0;
    const failed: unknown[] = [];
    for (const seed of seedsFrom(first, budget)) {
      const report = await run(seed);
      committed += report.committed;
      if (report.violations.length > 0) failed.push([seed, report.violations[0]]);
    }
    expect(failed).toEqual([]);
    expect(committed).toBeGreaterThan(budget);
  }, 180_000);

  test("kept seeds stay green", async () => {
    for (const seed of kept) expect((await run(seed)).violations).toEqual([]);
  }, 60_000);

  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "found within the budget: %s",
    async (_name, mutant) => {
      let found = false;
      for (const seed of seedsFrom(first, budget)) {
        found = (await run(seed, { mutant })).violations.length > 0;
        if (found) break;
      }
      expect(found).toBe(true);
    },
    180_000,
  );
}
