import { LockdApiError, LockdConfigError } from "../../api/errors.ts";
import { blockSeconds } from "../acquire-terms.ts";
import { positiveMs, wireSeconds } from "../call-options.ts";
import type { DequeueOptions } from "./queue-types.ts";

/** The members that dequeue and subscribe have in common, as the carriers want them. */
export function consumerTerms(
  queue: string,
  o: DequeueOptions & { readonly prefetch?: number | undefined },
) {
  if (typeof o.owner !== "string" || o.owner.trim() === "") {
    const message = "a consumer needs an owner: a host, job or person";
    throw new LockdConfigError("missing_owner", message);
  }
  return {
    queue,
    owner: o.owner,
    txnId: o.txnId,
    txnBound: o.txnBound === true ? true : undefined,
    visibilityTimeoutSeconds: secondsOf("visibilityMs", o.visibilityMs),
    waitSeconds: blockSeconds(o.waitMs),
    startAfter: o.startAfter,
  };
}

/** Whole seconds, rounded up; absent and 0 stay absent. */
export function secondsOf(name: string, milliseconds: number | undefined): number | undefined {
  if (milliseconds === undefined || milliseconds === 0) return undefined;
  return wireSeconds(positiveMs(name, milliseconds));
}

/** True for the two answers that mean "ask again" (http-queue.md 8.6). */
export function asksAgain(error: unknown): boolean {
  if (!(error instanceof LockdApiError)) return false;
  return error.code === "waiting" || error.code === "cas_mismatch";
}

/** True when the message is somebody else's by now, or gone. */
export function isNotOurs(error: unknown): boolean {
  if (!(error instanceof LockdApiError)) return false;
  return notOursCodes.has(error.code);
}

const notOursCodes = new Set([
  "not_found",
  "queue_message_lease_mismatch",
  "lease_expired",
  "lease_required",
  "fencing_mismatch",
]);
