import { failure } from "./errors.ts";
import type { Transactions } from "./transactions.ts";

async function unavailable(): Promise<never> {
  throw failure("txn_coordinator_unavailable", "this carrier does not take transactions yet");
}

/** The transactions of a lockd that cannot be asked about any. */
export const disabledTransactions: Transactions = {
  decide: unavailable,
  apply: unavailable,
  replay: unavailable,
  list: unavailable,
  explain: unavailable,
};
