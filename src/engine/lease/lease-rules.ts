/**
 * Rules every lease-bound operation shares: expiry, validation, the holder's view and CAS
 * (http-core.md sections 8.1, 8.2, 8.5, 8.6, 8.8). All pure.
 */
import { failure, type LockdApiError } from "../../api/errors.ts";
import { isQueueStateKey, type Key, type Namespace } from "../../api/names.ts";
import {
  type KeyRecord,
  keyOfRecordName,
  type Lease,
  type StoredState,
} from "../record/key-record.ts";
import { stagedObjects } from "../record/record-objects.ts";
import type { Cleaned } from "../transition.ts";

/** A lease-bound request after validation of its form. */
export interface LeaseClaim {
  readonly namespace: Namespace;
  readonly key: Key;
  readonly leaseId: string;
  readonly fencingToken: number;
  /** undefined where the operation does not ask for one (get). */
  readonly txnId: string | undefined;
}

/** Equality counts as expired, so a TTL of n seconds guarantees more than n-1 seconds. */
export function isExpired(lease: Lease, nowUnix: number): boolean {
  return lease.expiresAtUnix <= nowUnix;
}

/** The lease if there is one and it still runs. */
export function runningLease(record: KeyRecord, nowUnix: number): Lease | undefined {
  return record.lease !== undefined && !isExpired(record.lease, nowUnix) ? record.lease : undefined;
}

/**
 * True when an expired lease has staged changes whose fate is that of a joint transaction: they may
 * not be discarded without asking (transactions-and-islands.md section 4.5). States of messages
 * follow their message instead.
 */
export function isUndecided(
  name: string,
  record: KeyRecord | undefined,
  nowUnix: number,
): record is KeyRecord {
  if (record?.lease === undefined || !record.lease.explicit || record.staged === undefined) {
    return false;
  }
  return isExpired(record.lease, nowUnix) && !isQueueStateKey(keyOfRecordName(name));
}

/** Clears lease and staging; the way every lease ends without a commit. */
export function rolledBack(record: KeyRecord, nowUnix: number): Cleaned {
  return {
    record: { ...record, lease: undefined, staged: undefined, updatedAtUnix: nowUnix },
    garbage: stagedObjects(record.staged),
  };
}

/** The record without its expired lease, or undefined when there is nothing to clean. */
export function cleanedIfExpired(record: KeyRecord, nowUnix: number): Cleaned | undefined {
  if (record.lease === undefined || !isExpired(record.lease, nowUnix)) return undefined;
  const { record: cleaned, garbage } = rolledBack(record, nowUnix);
  // Whoever lost the lease by its expiry asks for a new one, whatever the idempotency key.
  return { record: { ...cleaned, binding: undefined }, garbage };
}

/** The error of section 8.5, in its order, or undefined when the claim holds. */
export function claimError(
  record: KeyRecord,
  claim: LeaseClaim,
  nowUnix: number,
): LockdApiError | undefined {
  const { lease } = record;
  const name = `${claim.namespace}/${claim.key}`;
  if (lease === undefined || lease.id !== claim.leaseId) {
    return refusal("lease_required", `${name} is not held under lease ${claim.leaseId}`, record);
  }
  if (isExpired(lease, nowUnix)) {
    return refusal("lease_expired", `lease ${lease.id} of ${name} has expired`, record);
  }
  if (lease.fencingToken !== claim.fencingToken) {
    return refusal(
      "fencing_mismatch",
      `${name} is held with fencing token ${lease.fencingToken}, not ${claim.fencingToken}`,
      record,
    );
  }
  return undefined;
}

/** Steps 4 and 5 of section 8.5, which get does not ask for. */
export function txnError(record: KeyRecord, claim: LeaseClaim): LockdApiError | undefined {
  const name = `${claim.namespace}/${claim.key}`;
  if (claim.txnId === undefined) {
    return refusal("missing_txn", `${name}: the lease is bound to a transaction`, record);
  }
  if (record.lease?.txnId !== claim.txnId) {
    return refusal("txn_mismatch", `${name} is held under another transaction`, record);
  }
  return undefined;
}

/** Staged changes of another transaction stand in the way (end of section 8.5). */
export function stagedTxnError(record: KeyRecord, claim: LeaseClaim): LockdApiError | undefined {
  if (record.staged === undefined || record.staged.txnId === claim.txnId) return undefined;
  return refusal(
    "txn_mismatch",
    `${claim.namespace}/${claim.key} has staged changes of another transaction`,
    record,
  );
}

function refusal(
  code: "lease_required" | "lease_expired" | "fencing_mismatch" | "missing_txn" | "txn_mismatch",
  detail: string,
  record: KeyRecord,
): LockdApiError {
  return failure(code, detail, {
    currentVersion: record.version,
    currentEtag: record.state?.etag ?? "",
  });
}

/** What the holder sees (section 8.2). */
export interface HolderView {
  readonly version: number;
  /** Empty when there is no state; the committed one also while a removal is staged. */
  readonly etag: string;
  readonly state: StoredState | undefined;
  readonly removed: boolean;
  /** True when the state shown is a staged one. */
  readonly stagedState: boolean;
}

export function holderView(record: KeyRecord): HolderView {
  const { staged } = record;
  if (staged === undefined) {
    return {
      version: record.version,
      etag: record.state?.etag ?? "",
      state: record.state,
      removed: false,
      stagedState: false,
    };
  }
  const state = staged.removed ? undefined : (staged.state ?? record.state);
  return {
    version: staged.version,
    etag: (staged.state ?? record.state)?.etag ?? "",
    state,
    removed: staged.removed,
    stagedState: !staged.removed && staged.state !== undefined,
  };
}

/** The `X-If-Version` / `X-If-State-ETag` conditions, already parsed; undefined = not asked. */
export interface CasClaim {
  readonly ifVersion: number | undefined;
  readonly ifStateEtag: string | undefined;
}

/** The error of section 8.6, version before etag, or undefined when the conditions hold. */
export function casError(
  record: KeyRecord,
  claim: LeaseClaim,
  cas: CasClaim,
): LockdApiError | undefined {
  const view = holderView(record);
  const name = `${claim.namespace}/${claim.key}`;
  if (cas.ifVersion !== undefined && !versionMatches(record, view.version, cas.ifVersion)) {
    return failure(
      "version_conflict",
      `${name} is at version ${view.version}, not ${cas.ifVersion}`,
      { currentVersion: view.version, currentEtag: record.state?.etag ?? "" },
    );
  }
  if (cas.ifStateEtag !== undefined && cas.ifStateEtag !== view.etag) {
    const shown = view.etag === "" ? "has no state" : `has etag ${view.etag}`;
    return failure("etag_mismatch", `${name} ${shown}, not ${cas.ifStateEtag}`, {
      currentVersion: view.version,
      currentEtag: view.etag,
    });
  }
  return undefined;
}

/** D8: while only metadata or attachments are staged the committed version is accepted too. */
function versionMatches(record: KeyRecord, effective: number, expected: number): boolean {
  if (effective === expected) return true;
  const { staged } = record;
  const onlyBeside = staged !== undefined && staged.state === undefined && !staged.removed;
  return onlyBeside && record.version === expected;
}
