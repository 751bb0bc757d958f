/** The transaction workload is deterministic, passes, and finds the bugs it was made to find. */
import { txnMutants } from "./mutants.ts";
import { workloadTests } from "./workload-tests.ts";
import { runTxnSeed } from "./world.ts";

workloadTests({
  run: runTxnSeed,
  done: ({ attempts }) => attempts,
  first: 50_000,
  budget: 1_000,
  mutants: txnMutants,
});
