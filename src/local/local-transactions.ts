import type { LockdCall } from "../api/lockd.ts";
import type {
  ApplyRequest,
  DecideRequest,
  Transactions,
  TxnExplanation,
  TxnListRequest,
  TxnListResult,
  TxnResult,
} from "../api/transactions.ts";
import type { LocalCarrier } from "./local-carrier.ts";

/** Transactions in a store on this machine, through whoever owns it or in this process. */
export class LocalTransactions implements Transactions {
  readonly #carrier: LocalCarrier;

  constructor(carrier: LocalCarrier) {
    this.#carrier = carrier;
  }

  decide(request: DecideRequest, call?: LockdCall): Promise<TxnResult> {
    return this.#carrier.change("decide", call, (lockd, limited) =>
      lockd.transactions.decide(request, limited),
    );
  }

  apply(
    state: "commit" | "rollback",
    request: ApplyRequest,
    ...[call]: [LockdCall?]
  ): Promise<TxnResult> {
    return this.#carrier.change(state, call, (lockd, limited) =>
      lockd.transactions.apply(state, request, limited),
    );
  }

  replay(request: { readonly txnId?: string | undefined }, call?: LockdCall): Promise<TxnResult> {
    return this.#carrier.change("replay", call, (lockd, limited) =>
      lockd.transactions.replay(request, limited),
    );
  }

  list(request: TxnListRequest, call?: LockdCall): Promise<TxnListResult> {
    return this.#carrier.read("list transactions", call, (lockd, limited) =>
      lockd.transactions.list(request, limited),
    );
  }

  explain(
    request: { readonly txnId?: string | undefined },
    call?: LockdCall,
  ): Promise<TxnExplanation> {
    return this.#carrier.read("explain transaction", call, (lockd, limited) =>
      lockd.transactions.explain(request, limited),
    );
  }
}
