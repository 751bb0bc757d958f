import {
  LockdApiError,
  LockdConfigError,
  LockdError,
  LockdTimeoutError,
} from "../../api/errors.ts";
import { AcquirePauses } from "../backoff.ts";
import { callOptions, positiveMs } from "../call-options.ts";
import { isRetryable } from "../error-tests.ts";
import { transactionTtlMsDefault, transactionWaitMsDefault } from "../limits.ts";
import { pause } from "../pause.ts";
import type { Call } from "../types.ts";
import { untilAborted } from "../until-aborted.ts";
import { mintTxnId } from "./mint-txn-id.ts";
import {
  RunningTransaction,
  type TransactionHost,
  type TransactionTerms,
} from "./running-transaction.ts";
import type { Transaction, TransactionOptions } from "./txn-types.ts";

type Work<T> = (tx: Transaction) => Promise<T>;

/** `client.transaction`: see there. */
export async function runTransaction<T>(
  host: TransactionHost,
  work: Work<T>,
  given: Call<TransactionOptions> | undefined,
): Promise<T> {
  const options = callOptions(given);
  const { retries = 0, timeoutMs, waitMs = transactionWaitMsDefault } = options;
  if (!(retries >= 0)) throw new LockdConfigError("invalid_option", "retries must be 0 or more");
  const terms = {
    owner: options.owner ?? defaultOwner(),
    ttlMs: positiveMs("ttlMs", options.ttlMs ?? transactionTtlMsDefault),
    waitMs,
    correlationId: options.correlationId,
  };
  const limit = limitOf(host, timeoutMs, options.signal);
  const pauses = new AcquirePauses(host.options.backoff, host.options.random);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const { signal } = limit;
      const txnId = mintTxnId(host.options.clock.wallMs());
      const outcome = await runOnce(host, { ...terms, txnId, attempt, signal }, work);
      if (outcome.kind === "done") return outcome.value;
      const again = outcome.again && attempt <= retries && signal?.aborted !== true;
      if (!again) throw outcome.error;
      await pause(host.options.clock, pauses.next(undefined), signal);
    }
  } finally {
    limit.done();
  }
}

type Outcome<T> =
  | { readonly kind: "done"; readonly value: T }
  /** `again`: nothing is left of it, and it may go better next time. */
  | { readonly kind: "failed"; readonly error: unknown; readonly again: boolean };

async function runOnce<T>(
  host: TransactionHost,
  terms: TransactionTerms,
  work: Work<T>,
): Promise<Outcome<T>> {
  const tx = new RunningTransaction(host, terms);
  let value: T;
  try {
    terms.signal?.throwIfAborted();
    value = await untilAborted(work(tx), terms.signal);
  } catch (error) {
    await tx.rollBack();
    return { kind: "failed", error, again: isPassing(error) };
  }
  try {
    await tx.commit();
    return { kind: "done", value };
  } catch (error) {
    // A commit that nobody could be asked about may have happened: a second run could double it.
    const unknown = error instanceof LockdError && error.outcomeUnknown;
    return { kind: "failed", error, again: !unknown && isPassing(error) };
  }
}

/** Codes besides the retryable ones after which another run may go better. */
const passingCodes: ReadonlySet<string> = new Set([
  "waiting",
  "txn_conflict",
  "lease_required",
  "lease_expired",
  "fencing_mismatch",
]);

function isPassing(error: unknown): boolean {
  if (error instanceof LockdTimeoutError) return true;
  if (error instanceof LockdApiError && passingCodes.has(error.code)) return true;
  return isRetryable(error);
}

/** The caller's signal, which also aborts when the whole call has taken too long. */
function limitOf(
  host: TransactionHost,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): { readonly signal: AbortSignal | undefined; done(): void } {
  if (timeoutMs === undefined) return { signal, done: () => {} };
  const limit = new AbortController();
  const timer = host.options.clock.schedule(positiveMs("timeoutMs", timeoutMs), () => {
    const message = `the transaction took more than ${timeoutMs} ms`;
    limit.abort(new LockdTimeoutError("timeout", message, { operation: "transaction" }));
  });
  const both = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]);
  return { signal: both, done: () => timer.cancel() };
}

function defaultOwner(): string {
  const { hostname } = process.getBuiltinModule("node:os");
  return `${hostname()}-${process.pid}`;
}
