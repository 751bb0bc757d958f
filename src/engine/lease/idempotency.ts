/**
 * Idempotent acquire (transactions-and-islands.md section 17): a repeated request gets the lease
 * its first attempt was granted, so that a lost answer costs nothing. Only hashes are stored.
 */
import { createHash } from "node:crypto";
import { failure } from "../../api/errors.ts";
import type { Namespace } from "../../api/names.ts";
import { idempotencyKeyLengthMax, idempotencyKeyLengthMin } from "../limits.ts";
import type { AcquireBinding, KeyRecord, Lease } from "../record/key-record.ts";
import { isExpired } from "./lease-rules.ts";

/** Who repeats, and what. */
export type RequestBinding = Pick<AcquireBinding, "keyHash" | "requestHash">;

export interface BoundRequest {
  readonly idempotencyKey: string;
  readonly namespace: Namespace;
  readonly owner: string;
  /** As asked for; may be empty. */
  readonly key: string;
  readonly txnId: string;
  readonly ttlSeconds: number;
  readonly ifNotExists: boolean;
}

const keyPattern = /^[\x21-\x7e]+$/;

/**
 * The key as given, or undefined when there is none.
 * @throws invalid_idempotency_key
 */
export function checkIdempotencyKey(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  const isLong = raw.length >= idempotencyKeyLengthMin && raw.length <= idempotencyKeyLengthMax;
  if (isLong && keyPattern.test(raw)) return raw;
  throw failure(
    "invalid_idempotency_key",
    `an idempotency key is ${idempotencyKeyLengthMin} to ${idempotencyKeyLengthMax} visible ` +
      "ASCII characters",
  );
}

export function bindingOf(request: BoundRequest): RequestBinding {
  const { idempotencyKey, namespace, owner, key, txnId, ttlSeconds, ifNotExists } = request;
  return {
    keyHash: hashOf([idempotencyKey, namespace, owner]),
    requestHash: hashOf([key, txnId, ttlSeconds, ifNotExists]),
  };
}

/** A key made from the request, so that its repetition finds the same: a UUIDv8. */
export function derivedKey({ keyHash }: RequestBinding): string {
  const hex = hashOf(["generated key", keyHash]);
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** What became of an earlier attempt of the same request. */
export type EarlierAttempt =
  | { readonly kind: "none" }
  | { readonly kind: "granted"; readonly lease: Lease }
  | { readonly kind: "conflict"; readonly detail: string };

/** Pure. Outside the window, or for another lease than the last, there was none. */
export function earlierAttempt(
  record: KeyRecord,
  request: RequestBinding | undefined,
  nowUnix: number,
): EarlierAttempt {
  const { binding, lease } = record;
  if (binding === undefined || request === undefined) return { kind: "none" };
  if (binding.keyHash !== request.keyHash || nowUnix >= binding.untilUnix) return { kind: "none" };
  if (lease === undefined) return { kind: "conflict", detail: "lease already released" };
  if (lease.id !== binding.leaseId || isExpired(lease, nowUnix)) return { kind: "none" };
  if (binding.requestHash === request.requestHash) return { kind: "granted", lease };
  return { kind: "conflict", detail: "the idempotency key was used for another request" };
}

function hashOf(parts: readonly (string | number | boolean)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
