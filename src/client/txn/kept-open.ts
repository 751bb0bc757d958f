/**
 * Keeps a transaction open that has sent messages: they have no lease whose renewal would do it,
 * and at its deadline the transaction would be rolled back under a body that is still at work.
 */
import { failure, LockdApiError } from "../../api/errors.ts";
import { KeepAliveTimer } from "../keep-alive-timer.ts";
import { transactionTtlMsDefault } from "../limits.ts";
import type { QueueHost } from "../queue/queue-host.ts";

export class KeptOpen {
  readonly #timer: KeepAliveTimer;
  #started = false;

  /** `lost` is told when the transaction is decided already. */
  constructor(
    host: Pick<QueueHost, "lockd" | "options" | "carrierCall">,
    { txnId, ttlMs }: { readonly txnId: string; readonly ttlMs: number },
    lost: (error: unknown) => void,
  ) {
    const { clock, keepAliveTimeoutMs } = host.options;
    this.#timer = new KeepAliveTimer({
      clock,
      // A server opens the transaction of an enqueue for its own time, whatever is asked for here.
      ttlMs: Math.min(ttlMs, transactionTtlMsDefault),
      failed: lost,
      renew: async () => {
        const expiresAtUnix = Math.ceil((clock.wallMs() + ttlMs) / 1_000);
        const request = { txnId, state: "pending", expiresAtUnix };
        const call = host.carrierCall({ timeoutMs: keepAliveTimeoutMs });
        const { state } = await host.lockd.transactions
          .decide(request, call)
          .catch((error: unknown) => {
            if (isDecided(error)) throw error;
            // Whoever could not be asked now is asked again; the commit tells in the end.
            return { state: "pending" };
          });
        if (state === "pending") return;
        throw failure("txn_conflict", `transaction ${txnId} is already decided: ${state}`);
      },
    });
  }

  /** Once is enough, and idempotent: each further start would renew beside a renewal under way. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#timer.start();
  }

  /** Resolves when nothing is under way that could begin the transaction once more. */
  stop(): Promise<void> {
    return this.#timer.stop();
  }
}

function isDecided(error: unknown): boolean {
  return error instanceof LockdApiError && error.code === "txn_conflict";
}
