/** Moving messages in transactions passes under faults, and finds the bugs it was made to find. */
import { workloadTests } from "../txn/workload-tests.ts";
import { moveMutants } from "./mutants.ts";
import { runMoveSeed } from "./world.ts";

workloadTests({
  run: runMoveSeed,
  done: ({ moves }) => moves,
  first: 70_000,
  budget: 120,
  mutants: moveMutants,
});
