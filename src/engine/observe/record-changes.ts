/** What happened to a key between two looks at its record. Pure. */
import type { ChangeEvent, ChangeKind } from "../../api/observation.ts";
import { isExpired } from "../lease/lease-rules.ts";
import type { KeyRecord, Lease } from "../record/key-record.ts";

/** An event before it has its place in a stream. */
export type ChangeDraft = Omit<ChangeEvent, "id">;

/** What of a record can be told of; small enough to be remembered for many keys. */
export interface SeenKey {
  readonly version: number;
  readonly stateEtag: string | undefined;
  readonly lease: Lease | undefined;
}

export const unseenKey: SeenKey = { version: 0, stateEtag: undefined, lease: undefined };

export function seenKey(record: KeyRecord | undefined): SeenKey {
  if (record === undefined) return unseenKey;
  return { version: record.version, stateEtag: record.state?.etag, lease: record.lease };
}

/** A key and when it was looked at. */
export interface ChangePlace {
  readonly namespace: string;
  readonly key: string;
  readonly nowMs: number;
}

/** `k/<namespace>/<key>` taken apart. */
export function placeOf(recordName: string, nowMs: number): ChangePlace {
  const slash = recordName.indexOf("/", 2);
  return { namespace: recordName.slice(2, slash), key: recordName.slice(slash + 1), nowMs };
}

/**
 * In the order in which it must have happened: a commit belongs to the lease that ends with it, and
 * that one ends before the next begins.
 */
export function recordChanges(
  place: ChangePlace,
  before: SeenKey,
  after: SeenKey,
): readonly ChangeDraft[] {
  const changes: ChangeDraft[] = [];
  if (after.version !== before.version) changes.push(stateChange(place, before, after));
  const ended = before.lease?.id === after.lease?.id ? undefined : before.lease;
  if (ended !== undefined) {
    const ranOut = isExpired(ended, Math.floor(place.nowMs / 1000));
    changes.push(leaseChange(place, ranOut ? "lease_expired" : "lease_released", ended));
  }
  const { lease } = after;
  if (lease === undefined) return changes;
  if (lease.id !== before.lease?.id) changes.push(leaseChange(place, "lease_granted", lease));
  else if (lease.expiresAtUnix !== before.lease.expiresAtUnix) {
    changes.push(leaseChange(place, "lease_renewed", lease));
  }
  return changes;
}

export function isStateChange({ kind }: ChangeDraft): boolean {
  return kind === "state_committed" || kind === "state_removed";
}

/** The state as it is now; the lease that ended with the commit is the one of `before`. */
export function stateChange(place: ChangePlace, before: SeenKey, after: SeenKey): ChangeDraft {
  const { namespace, key, nowMs } = place;
  return {
    kind: after.stateEtag === undefined ? "state_removed" : "state_committed",
    atUnixMs: nowMs,
    namespace,
    key,
    version: after.version,
    stateEtag: after.stateEtag,
    owner: before.lease?.owner,
    leaseId: before.lease?.id,
    txnId: before.lease?.txnId,
    fencingToken: before.lease?.fencingToken,
  };
}

export function leaseChange(place: ChangePlace, kind: ChangeKind, lease: Lease): ChangeDraft {
  const { namespace, key, nowMs } = place;
  return {
    kind,
    atUnixMs: nowMs,
    namespace,
    key,
    owner: lease.owner,
    leaseId: lease.id,
    txnId: lease.txnId,
    fencingToken: lease.fencingToken,
    expiresAtUnix: lease.expiresAtUnix,
  };
}
