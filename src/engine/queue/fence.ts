/** Who may settle a message (http-queue.md section 7). Pure. */
import { failure, type LockdApiError } from "../../api/errors.ts";
import type { Message, QueueId } from "./message.ts";

/** Identity of a delivery as its consumer presents it, checked in form. */
export interface DeliveryClaim extends QueueId {
  readonly messageId: string;
  readonly leaseId: string;
  /** 0 when absent: it never matches. */
  readonly fencingToken: number;
  /** undefined: whatever transaction the delivery has. */
  readonly txnId: string | undefined;
}

export function describeMessage(claim: QueueId & { readonly messageId: string }): string {
  return `${claim.namespace}/${claim.queue} message ${claim.messageId}`;
}

/**
 * The error of check sequence F, in its order, or undefined when the claim holds. The lease is part
 * of the record, so it can neither be missing nor differ from the fence: what is left of steps 4
 * and 5 is its end. It is not cleared then; a late call fails the same way until the redelivery.
 */
export function fenceError(
  message: Message | undefined,
  claim: DeliveryClaim,
  nowMs: number,
): LockdApiError | undefined {
  const name = describeMessage(claim);
  // What waits for the decision of its transaction is not there yet.
  if (message === undefined || message.staged !== undefined)
    return failure("not_found", `there is no ${name}`);
  const { lease, correlationId } = message;
  if (lease === undefined) {
    const detail = `${name}: the lease is missing; it is in nobody's hands`;
    return failure("queue_message_lease_mismatch", detail, { correlationId });
  }
  const mismatch =
    lease.id !== claim.leaseId
      ? "lease id"
      : lease.fencingToken !== claim.fencingToken
        ? "fencing token"
        : claim.txnId !== undefined && lease.txnId !== claim.txnId
          ? "transaction"
          : undefined;
  if (mismatch !== undefined) {
    const detail = `${name}: ${mismatch} mismatch; it was delivered under another lease`;
    return failure("queue_message_lease_mismatch", detail, { correlationId });
  }
  if (isLeaseOver(message, nowMs)) {
    return failure("lease_expired", `lease ${lease.id} of ${name} has expired`, { correlationId });
  }
  return undefined;
}

/** True when the lease there is ran out; a message without a lease has none that could. */
export function isLeaseOver({ lease }: Message, nowMs: number): boolean {
  return lease !== undefined && lease.expiresAtUnix * 1000 <= nowMs;
}

/** True while a consumer holds the message. */
export function isLeased(message: Message, nowMs: number): boolean {
  return message.lease !== undefined && !isLeaseOver(message, nowMs);
}
