/**
 * Deciding a transaction so that its outcome is known. A lost answer, a server that is away, and a
 * decision that stands but is not yet applied everywhere all have the same cure: the same decision
 * again, as it never changes once it is recorded.
 */
import { LockdApiError, LockdTimeoutError, LockdTransportError } from "../../api/errors.ts";
import type { DecideRequest, Transactions, TxnState } from "../../api/transactions.ts";
import { updatePauseMs } from "../backoff.ts";
import type { CarrierCall } from "../carrier-call.ts";
import type { ClientClock } from "../client-ports.ts";
import { pause } from "../pause.ts";

export interface SureDecision {
  readonly transactions: Transactions;
  readonly clock: ClientClock;
  readonly request: DecideRequest & { readonly txnId: string; readonly state: string };
  readonly call: CarrierCall;
  /** Milliseconds for all tries together. */
  readonly msMax: number;
}

/**
 * The recorded state. No signal ends it early: only the answer tells what became of the keys.
 * @throws LockdTransportError with `outcomeUnknown` when nobody could be asked in time
 */
export async function decideSurely(decision: SureDecision): Promise<TxnState> {
  const { transactions, clock, request, call } = decision;
  const endMs = clock.monotonicMs() + decision.msMax;
  for (let retry = 1; ; retry += 1) {
    const leftMs = endMs - clock.monotonicMs();
    try {
      const limited = { ...call, signal: undefined, timeoutMs: Math.max(1, leftMs) };
      const { state } = await transactions.decide(request, limited);
      if (state !== "pending") return state;
    } catch (error) {
      if (!isOpen(error)) throw error;
      const pauseMs = updatePauseMs(retry, undefined);
      if (clock.monotonicMs() + pauseMs >= endMs) throw notTold(request, error);
      await pause(clock, pauseMs, undefined);
    }
  }
}

/** Codes that say nothing final although they are no 5xx. */
const openCodes: ReadonlySet<string> = new Set(["txn_pending", "tc_not_leader", "cas_mismatch"]);

/** True when asking again can tell more. */
function isOpen(error: unknown): boolean {
  if (error instanceof LockdTransportError) return !error.fatal;
  if (error instanceof LockdTimeoutError) return true;
  if (!(error instanceof LockdApiError)) return false;
  return error.status >= 500 || error.status === 429 || openCodes.has(error.code);
}

function notTold({ txnId, state }: SureDecision["request"], cause: unknown): LockdTransportError {
  const message =
    `it is not known whether the ${state} of transaction ${txnId} was recorded; ` +
    "ask with txn.replay(id) or lockd txn replay";
  return new LockdTransportError("transport", message, {
    operation: state,
    outcomeUnknown: true,
    cause,
  });
}
