/** Granting a lease (http-core.md sections 8.4 and 10.1). Pure. */
import { failure } from "../../api/errors.ts";
import type { Key, Namespace } from "../../api/names.ts";
import { idempotencyWindowSeconds } from "../limits.ts";
import { absentRecord, exists, type KeyRecord, type Lease } from "../record/key-record.ts";
import { type Decision, keep, refuse, write } from "../transition.ts";
import { earlierAttempt, type RequestBinding } from "./idempotency.ts";
import { cleanedIfExpired, runningLease } from "./lease-rules.ts";

export interface GrantRequest {
  readonly namespace: Namespace;
  readonly key: Key;
  readonly owner: string;
  readonly ttlSeconds: number;
  readonly ifNotExists: boolean;
  readonly leaseId: string;
  readonly txnId: string;
  readonly explicit: boolean;
  /** Present when the request carries an idempotency key. */
  readonly binding?: RequestBinding | undefined;
}

/** Somebody else holds the key; what a waiter needs to know about it. */
export interface Held {
  readonly kind: "held";
  readonly lease: Lease;
  readonly version: number;
  readonly etag: string;
}

export interface Granted {
  readonly kind: "granted";
  readonly lease: Lease;
  readonly record: KeyRecord;
  /** True when the lease was granted to an earlier attempt of the same request. */
  readonly isReplay?: true;
}

/**
 * Grants the key to `request` when it is free or its lease ran out; the token counts up with every
 * grant, for ever. Not re-entrant: the same owner or transaction waits like anyone else.
 */
export function grantLease(
  current: KeyRecord | undefined,
  request: GrantRequest,
  nowUnix: number,
): Decision<Granted | Held> {
  const record = current ?? absentRecord;
  const earlier = earlierAttempt(record, request.binding, nowUnix);
  if (earlier.kind === "granted") {
    return keep({ kind: "granted", lease: earlier.lease, record, isReplay: true });
  }
  if (earlier.kind === "conflict") return refuse(failure("idempotency_conflict", earlier.detail));
  if (request.ifNotExists && exists(record)) {
    return refuse(
      failure("already_exists", `${request.namespace}/${request.key} exists`, {
        currentVersion: record.version,
        currentEtag: record.state?.etag ?? "",
      }),
    );
  }
  const running = runningLease(record, nowUnix);
  if (running !== undefined) {
    return keep({
      kind: "held",
      lease: running,
      version: record.version,
      etag: record.state?.etag ?? "",
    });
  }
  const cleaned = cleanedIfExpired(record, nowUnix);
  const base = cleaned?.record ?? record;
  const fencingToken = base.fencingToken + 1;
  const lease: Lease = {
    id: request.leaseId,
    owner: request.owner,
    txnId: request.txnId,
    explicit: request.explicit,
    fencingToken,
    acquiredAtUnix: nowUnix,
    expiresAtUnix: nowUnix + request.ttlSeconds,
  };
  const next: KeyRecord = {
    ...base,
    fencingToken,
    lease,
    staged: undefined,
    updatedAtUnix: nowUnix,
    binding:
      request.binding === undefined
        ? undefined
        : {
            ...request.binding,
            leaseId: lease.id,
            untilUnix: nowUnix + idempotencyWindowSeconds,
          },
  };
  const granted = { kind: "granted" as const, lease, record: next };
  return write(next, granted, cleaned?.garbage);
}

/**
 * Takes a grant back whose caller has gone: the lease ends, the token stays used. Nothing happens
 * when the lease is no longer that one.
 */
export function withdrawGrant(
  current: KeyRecord | undefined,
  leaseId: string,
  nowUnix: number,
): Decision<void> {
  if (current?.lease?.id !== leaseId) return keep(undefined);
  return write({ ...current, lease: undefined, updatedAtUnix: nowUnix }, undefined);
}
