import type { DecideRequest, Transactions } from "../../../src/api/transactions.ts";
import type { ProbedLockd } from "../../support/probed-lockd.ts";

/** Stands before the transactions of a probed lockd: counts decisions and loses answers. */
export class TxnProbe {
  readonly decisions: DecideRequest[] = [];
  #lost: unknown;
  #losses = 0;

  constructor(lockd: ProbedLockd) {
    const inner = lockd.transactions;
    const probed: Transactions = {
      decide: async (request, call) => {
        this.decisions.push(request);
        const result = await inner.decide(request, call);
        if (this.#losses === 0) return result;
        this.#losses -= 1;
        throw this.#lost;
      },
      apply: (state, request, call) => inner.apply(state, request, call),
      replay: (request, call) => inner.replay(request, call),
      list: (request, call) => inner.list(request, call),
      explain: (request, call) => inner.explain(request, call),
    };
    Object.defineProperty(lockd, "transactions", { value: probed });
  }

  /** The next `count` decisions take effect and their answers are lost. */
  lose(error: unknown, count: number): void {
    this.#lost = error;
    this.#losses = count;
  }
}
