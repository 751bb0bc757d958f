import { QueueCalls } from "../queue/queue-calls.ts";
import type { Call } from "../types.ts";
import { runTransaction } from "./run-transaction.ts";
import type { TransactionHost } from "./running-transaction.ts";
import { TxnCalls } from "./txn-calls.ts";
import type { Transaction, TransactionMethods, TransactionOptions, TxnApi } from "./txn-types.ts";

/** The transactions of a client (client-sdk.md section 12), above its queues. */
export abstract class TransactionCalls extends QueueCalls implements TransactionMethods {
  #txn: TxnApi | undefined;

  /** What transactions need of the rest of the client. */
  abstract get transactionHost(): TransactionHost;

  get txn(): TxnApi {
    this.#txn ??= new TxnCalls(this.queueHost);
    return this.#txn;
  }

  async transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    o?: Call<TransactionOptions>,
  ): Promise<T> {
    return await runTransaction(this.transactionHost, work, o);
  }
}
