import { expect, test } from "vitest";
import { type MutantHunt, mutantTests } from "../mutant-tests.ts";
import type { Violation } from "../violation.ts";

interface Report {
  readonly traceHash: string;
  readonly violations: readonly Violation[];
  readonly committed: number;
}

export interface Workload<Ran extends Report> extends MutantHunt {
  readonly run: (seed: number, options?: Parameters<MutantHunt["run"]>[1]) => Promise<Ran>;
  /** What its clients did in a run. */
  readonly done: (report: Ran) => number;
}

/** What every workload of transactions is held to, and that it finds what it is there to find. */
export function workloadTests<Ran extends Report>(workload: Workload<Ran>): void {
  const { run, done } = workload;

  test("the same seed gives the same trace", async () => {
    let committed = 0;
    for (const seed of [3, 8]) {
      const [one, other] = [await run(seed), await run(seed)];
      expect(one.traceHash).toBe(other.traceHash);
      expect(done(one)).toBeGreaterThan(5);
      committed += one.committed;
    }
    expect(committed).toBeGreaterThan(0);
  }, 60_000);

  mutantTests(workload);
}
