/** Moving the end of a lease (http-core.md section 10.2). Pure. */
import assert from "node:assert";
import { absentRecord, type KeyRecord, type Lease } from "../record/key-record.ts";
import { type Decision, refuse, write } from "../transition.ts";
import {
  claimError,
  cleanedIfExpired,
  type HolderView,
  holderView,
  type LeaseClaim,
  txnError,
} from "./lease-rules.ts";

export interface KeptAlive {
  readonly lease: Lease;
  readonly view: HolderView;
}

/** A shorter TTL shortens the lease; nothing else changes. Idempotent. */
export function keepLeaseAlive(
  current: KeyRecord | undefined,
  request: { readonly claim: LeaseClaim; readonly ttlSeconds: number },
  nowUnix: number,
): Decision<KeptAlive> {
  const record = current ?? absentRecord;
  const { claim } = request;
  const error = claimError(record, claim, nowUnix) ?? txnError(record, claim);
  if (error !== undefined) return refuse(error, cleanedIfExpired(record, nowUnix));
  assert(record.lease !== undefined, "a claim holds only against a lease");
  const lease: Lease = { ...record.lease, expiresAtUnix: nowUnix + request.ttlSeconds };
  return write({ ...record, lease, updatedAtUnix: nowUnix }, { lease, view: holderView(record) });
}
