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

export type Released =
  | { readonly released: true }
  /** Nothing was changed: the fate of its transaction is to be decided first. */
  | { readonly released: false; readonly expiresAtUnix: number };

const released: Released = { released: true };

/**
 * Commits or discards what the lease staged and clears it, in one step. A lease that is already
 * gone, expired, or held with another token is no error: the caller no longer holds it either way.
 * Where the transaction is a joint one only a lease that changed nothing ends by itself (4.4, H9).
 */
export function releaseLease(
  current: KeyRecord | undefined,
  request: {
    readonly claim: LeaseClaim;
    readonly rollback: boolean;
    /** The transaction is known to have other participants, whatever the lease says. */
    readonly isJoined: boolean;
  },
  nowUnix: number,
): Decision<Released> {
  const record = current ?? absentRecord;
  const { claim } = request;
  const cleaned = cleanedIfExpired(record, nowUnix);
  if (cleaned !== undefined) return write(cleaned.record, released, cleaned.garbage);
  if (claimError(record, claim, nowUnix) !== undefined) return keep(released);
  const mismatch = txnError(record, claim) ?? stagedTxnError(record, claim);
  if (mismatch !== undefined) return refuse(mismatch);
  const { lease, staged } = record;
  const isJoint = lease?.explicit === true || (request.isJoined && staged !== undefined);
  if (lease !== undefined && isJoint && (request.rollback || staged !== undefined)) {
    return keep({ released: false, expiresAtUnix: lease.expiresAtUnix });
  }
  const ended = request.rollback ? rolledBack(record, nowUnix) : committed(record, nowUnix);
  return write(ended.record, released, ended.garbage);
}
