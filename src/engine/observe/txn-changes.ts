/** What happened to a transaction. Pure. */
import type { ChangeDraft } from "./record-changes.ts";

/** Its decision became durable: from now on every participant goes that way. */
export function txnDecided(
  decision: { readonly txnId: string; readonly outcome: "commit" | "rollback" },
  nowMs: number,
): ChangeDraft {
  return { kind: "txn_decided", atUnixMs: nowMs, ...decision };
}
