import { LockdApiError, LockdConfigError, LockdTimeoutError } from "../api/errors.ts";
import type { AcquireResult } from "../api/lockd.ts";
import { positiveMs, wireSeconds } from "./call-options.ts";
import type { AcquireRequest } from "./types.ts";

/** 0 means what it says here: not to wait. On the wire that is -1, and 0 is for ever. */
export function blockSeconds(waitMs: AcquireRequest["waitMs"]): number {
  if (waitMs === undefined || waitMs === "forever") return 0;
  if (waitMs === "none" || waitMs === 0) return -1;
  return wireSeconds(positiveMs("waitMs", waitMs));
}

/** A bounded wait that is over is a time-out of the caller's own limit. */
export function acquireFailure(
  error: unknown,
  wait: { readonly blockSeconds: number; readonly waitedMs: number },
): unknown {
  if (!(error instanceof LockdApiError) || wait.blockSeconds <= 0) return error;
  const passing = error.status === 429 || error.status >= 500;
  const over = wait.waitedMs >= wait.blockSeconds * 1_000;
  if (error.code !== "waiting" && !(passing && over)) return error;
  const message = `not acquired within ${wait.blockSeconds} s (${error.message})`;
  return new LockdTimeoutError("acquire_timeout", message, {
    operation: "acquire",
    cause: error,
    outcomeUnknown: error.outcomeUnknown,
    ...(error.endpoint === undefined ? {} : { endpoint: error.endpoint }),
    ...(error.correlationId === undefined ? {} : { correlationId: error.correlationId }),
  });
}

/** What a session keeps of the answer. */
export function leaseFacts(result: AcquireResult) {
  const { namespace, key, leaseId, txnId, owner, expiresAtUnix, version } = result;
  const { stateEtag = "", fencingToken } = result;
  const correlationId = result.correlationId === "" ? undefined : result.correlationId;
  const lease = { namespace, key, leaseId, txnId, owner, expiresAtUnix };
  return { ...lease, version, stateEtag, fencingToken, correlationId };
}

/** What the wire says of an acquire besides the lease time. @throws LockdConfigError */
export function acquireTerms(r: AcquireRequest, namespaceDefault: string) {
  if (typeof r.owner !== "string" || r.owner.trim() === "") {
    throw new LockdConfigError("missing_owner", "acquire needs an owner: a host, job or person");
  }
  const { key, namespace = namespaceDefault, owner, ifNotExists, txnId } = r;
  // One for all attempts of this call: a grant whose answer was lost is found again.
  const { idempotencyKey = mintIdempotencyKey() } = r;
  const block = { blockSeconds: blockSeconds(r.waitMs) };
  return { namespace, key, owner, ifNotExists, txnId, idempotencyKey, ...block };
}

/** Nobody can guess it, which makes it the proof of who repeats a request. */
function mintIdempotencyKey(): string {
  return process.getBuiltinModule("node:crypto").randomUUID();
}
