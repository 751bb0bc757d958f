/** What a decision about a transaction would do. */
import { failure, LockdError } from "../../api/errors.ts";
import type { Lockd, LockdCall } from "../../api/lockd.ts";
import type { DecideRequest, TxnExplanation, TxnParticipantStory } from "../../api/transactions.ts";
import { jsonText } from "../output.ts";
import { plainText } from "../plain-text.ts";

export interface WouldDecide {
  readonly txnId: string;
  readonly state: "commit" | "rollback";
  /** True when nothing is left to do: it was decided so before. */
  readonly already: boolean;
  readonly participants: readonly Pick<TxnParticipantStory, "namespace" | "key" | "now">[];
}

/** @throws txn_conflict when it is decided the other way */
export async function wouldDecide(
  lockd: Lockd,
  request: DecideRequest & { readonly txnId: string; readonly state: "commit" | "rollback" },
  call: LockdCall,
): Promise<WouldDecide> {
  const { txnId, state, participants = [] } = request;
  const known = await recorded(lockd, txnId, call);
  if (known !== undefined && known.state !== "pending" && known.state !== state) {
    throw failure("txn_conflict", `transaction ${txnId} is already decided: ${known.state}`);
  }
  const told = known?.participants ?? [];
  const added = participants
    .map(({ namespace = "default", key = "" }) => ({ namespace, key, now: "named here" }))
    .filter(({ namespace, key }) => !told.some((p) => p.namespace === namespace && p.key === key));
  return { txnId, state, already: known?.state === state, participants: [...told, ...added] };
}

async function recorded(
  lockd: Lockd,
  txnId: string,
  call: LockdCall,
): Promise<TxnExplanation | undefined> {
  try {
    return await lockd.transactions.explain({ txnId }, call);
  } catch (error) {
    if (error instanceof LockdError && error.code === "txn_not_found") return undefined;
    throw error;
  }
}

export function wouldDecideText(would: WouldDecide, asJson: boolean): string {
  const { txnId, state, already } = would;
  const participants = would.participants.map(({ namespace, key, now }) => ({
    namespace,
    key,
    now,
  }));
  if (asJson) return jsonText({ dry_run: true, txn_id: txnId, state, already, participants });
  const head = already
    ? `txn_id=${txnId} is decided already: ${state}`
    : `txn_id=${txnId} would be decided: ${state}`;
  const rows = participants.map(
    ({ namespace, key, now }) => `  ${namespace}:${key}  ${plainText(now)}`,
  );
  return `${[head, ...rows].join("\n")}\n`;
}
