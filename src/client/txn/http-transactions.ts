import type {
  ApplyRequest,
  DecideRequest,
  Transactions,
  TxnExplanation,
  TxnListRequest,
  TxnListResult,
  TxnResult,
} from "../../api/transactions.ts";
import type { CarrierCall } from "../carrier-call.ts";
import type { HttpCarrier } from "../http-carrier.ts";
import { explanation, listResult, txnResult } from "./txn-answer.ts";
import { applyCall, decideCall, explainCall, listCall, replayCall } from "./txn-wire.ts";

/**
 * Transactions over HTTP. A decision is idempotent by its id, so a lost answer is simply asked for
 * again, as the retry table has it for updates (client-sdk.md section 4).
 */
export class HttpTransactions implements Transactions {
  readonly #carrier: HttpCarrier;

  constructor(carrier: HttpCarrier) {
    this.#carrier = carrier;
  }

  async decide(request: DecideRequest, call: CarrierCall = {}): Promise<TxnResult> {
    const wire = decideCall(request, this.#tryLimitMs);
    return await this.#carrier.attemptUpdate(wire, this.#carrier.begin(call), txnResult);
  }

  async apply(
    state: "commit" | "rollback",
    request: ApplyRequest,
    ...[call = {}]: [CarrierCall?]
  ): Promise<TxnResult> {
    const wire = applyCall(state, request, this.#tryLimitMs);
    return await this.#carrier.attemptUpdate(wire, this.#carrier.begin(call), txnResult);
  }

  async replay(
    request: { readonly txnId?: string | undefined },
    call: CarrierCall = {},
  ): Promise<TxnResult> {
    const wire = replayCall(request, this.#tryLimitMs);
    return await this.#carrier.attemptUpdate(wire, this.#carrier.begin(call), txnResult);
  }

  async list(request: TxnListRequest, call: CarrierCall = {}): Promise<TxnListResult> {
    const wire = listCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), listResult);
  }

  async explain(
    request: { readonly txnId?: string | undefined },
    call: CarrierCall = {},
  ): Promise<TxnExplanation> {
    const wire = explainCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), explanation);
  }

  get #tryLimitMs(): number {
    return this.#carrier.options.httpTimeoutMs;
  }
}
