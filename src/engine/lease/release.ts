/** Ending a lease (http-core.md sections 8.9 and 10.3). Pure. */
import { absentRecord, type KeyRecord } from "../record/key-record.ts";
import { type Decision, keep, refuse, write } from "../transition.ts";
import { committed } from "./commit.ts";
import {
  claimError,
  cleanedIfExpired,
  type LeaseClaim,
  rolledBack,
  stagedTxnError,
  txnError,
} from "./lease-rules.ts";

/**
 * Commits or discards what the lease staged and clears it, in one step. A lease that is already
 * gone, expired, or held with another token is no error: the caller no longer holds it either way.
 */
export function releaseLease(
  current: KeyRecord | undefined,
  request: { readonly claim: LeaseClaim; readonly rollback: boolean },
  nowUnix: number,
): Decision<{ readonly released: true }> {
  const record = current ?? absentRecord;
  const { claim } = request;
  const cleaned = cleanedIfExpired(record, nowUnix);
  if (cleaned !== undefined) return write(cleaned.record, { released: true }, cleaned.garbage);
  if (claimError(record, claim, nowUnix) !== undefined) return keep({ released: true });
  const mismatch = txnError(record, claim) ?? stagedTxnError(record, claim);
  if (mismatch !== undefined) return refuse(mismatch);
  const ended = request.rollback ? rolledBack(record, nowUnix) : committed(record, nowUnix);
  return write(ended.record, { released: true }, ended.garbage);
}
