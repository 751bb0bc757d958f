/** What happened to a message of a queue. Pure. */
import type { ChangeKind } from "../../api/observation.ts";
import type { Message, MessageLease, QueueId } from "../queue/message.ts";
import type { ChangeDraft } from "./record-changes.ts";

/** A change of a message's record that became durable. */
export interface MessageStep {
  readonly kind: "put" | "delete" | "bury";
  readonly before: Message;
  /** undefined when the record is gone. */
  readonly after: Message | undefined;
}

interface MessagePlace extends QueueId {
  readonly messageId: string;
}

/**
 * undefined for what nobody watches for: an extension, a link of a group, whatever happens to a
 * message that waits for the decision of its transaction. It is enqueued when that is committed.
 */
export function messageChange(
  place: MessagePlace,
  { kind, before, after }: MessageStep,
  nowMs: number,
): ChangeDraft | undefined {
  if (before.staged !== undefined) {
    return after === undefined || after.staged !== undefined
      ? undefined
      : { ...messageEnqueued(place, nowMs), txnId: before.staged.txnId };
  }
  const held = before.lease;
  if (kind === "bury") return draft(place, "queue_dead", { nowMs, lease: held });
  if (after === undefined) {
    const outcome = held === undefined ? "expired" : "ack";
    return { ...draft(place, "queue_settled", { nowMs, lease: held }), outcome };
  }
  const { lease } = after;
  if (lease !== undefined) {
    if (lease.id === held?.id) return undefined;
    return draft(place, "queue_delivered", { nowMs, lease });
  }
  if (held === undefined) return undefined;
  const failed = after.failureAttempts > before.failureAttempts;
  const outcome = failed ? "nack" : "defer";
  return { ...draft(place, "queue_settled", { nowMs, lease: held }), outcome };
}

export function messageEnqueued(place: MessagePlace, nowMs: number): ChangeDraft {
  return draft(place, "queue_enqueued", { nowMs, lease: undefined });
}

function draft(
  { namespace, queue, messageId }: MessagePlace,
  kind: ChangeKind,
  at: { readonly nowMs: number; readonly lease: MessageLease | undefined },
): ChangeDraft {
  const { nowMs, lease } = at;
  return {
    kind,
    atUnixMs: nowMs,
    namespace,
    queue,
    messageId,
    owner: lease?.owner,
    leaseId: lease?.id,
    txnId: lease?.txnId,
    fencingToken: lease?.fencingToken,
    expiresAtUnix: kind === "queue_delivered" ? lease?.expiresAtUnix : undefined,
  };
}
