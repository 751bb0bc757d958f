/** The bank is deterministic, passes, and finds the bugs it was made to find. */
import { expect, test } from "vitest";
import { seedsFrom } from "../campaign.ts";
import { mutantTests } from "../mutant-tests.ts";
import { txnMutants } from "../txn/mutants.ts";
import { runBankCampaign } from "./campaign.ts";
import { bankMutants } from "./mutants.ts";
import { runBankSeed } from "./world.ts";

const budget = 60;
const first = 1_000;

test("the same seed gives the same trace", async () => {
  for (const seed of [3, 8]) {
    const [one, other] = [await runBankSeed(seed), await runBankSeed(seed)];
    expect(one.traceHash).toBe(other.traceHash);
    expect(one.committed).toBeGreaterThan(5);
  }
}, 60_000);

test("the bank does what it is there for", async () => {
  const seeds = 15;
  const tally = await runBankCampaign({ seeds: seedsFrom(first, seeds) });
  expect(tally.failed.map(({ seed, violations }) => [seed, violations[0]])).toEqual([]);
  expect(tally.committed).toBeGreaterThan(5 * seeds);
  expect(tally.audits).toBeGreaterThan(seeds);
  // What the contract allows is rare, or the checks would not say much.
  expect(tally.repeated + tally.unseen).toBeLessThan(tally.committed / 20);
}, 180_000);

/** The others show better in the lists of `test/sim/txn`. */
const alsoHere = new Set(["a participant is skipped"]);
test("a message left in the hands of a finished commit is seen at once", async () => {
  const mutant = bankMutants.find(({ name }) => name === "message forgotten by the commit");
  if (mutant === undefined) throw new Error("no such mutant");
  const { violations } = await runBankSeed(first + 1, { mutant });
  expect(violations.filter(({ text }) => text.endsWith("is still in its hands"))).not.toEqual([]);
}, 60_000);

const mutants = [...bankMutants, ...txnMutants.filter(({ name }) => alsoHere.has(name))];

mutantTests({ mutants, first, budget, run: runBankSeed });
