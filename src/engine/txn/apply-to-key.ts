/** What a decision makes of one key (transactions-and-islands.md section 6.1). Pure. */
import { committed } from "../lease/commit.ts";
import { rolledBack } from "../lease/lease-rules.ts";
import type { KeyRecord } from "../record/key-record.ts";
import type { Cleaned } from "../transition.ts";
import type { Outcome } from "./txn-record.ts";

/**
 * The key after the decision, or undefined when nothing of the transaction is left on it: applied
 * before, or in the hands of another by now. Idempotent.
 */
export function applyToKey(
  record: KeyRecord | undefined,
  decided: { readonly txnId: string; readonly state: Outcome },
  nowUnix: number,
): Cleaned | undefined {
  if (record === undefined) return undefined;
  const { staged, lease } = record;
  const owner = staged === undefined ? lease?.txnId : staged.txnId;
  if (owner !== decided.txnId) return undefined;
  return decided.state === "commit" ? committed(record, nowUnix) : rolledBack(record, nowUnix);
}
