/** Giving a message to a consumer (http-queue.md section 4.2). Pure. */

import { instantMsMax } from "../limits.ts";
import { isLeased, isLeaseOver } from "./fence.ts";
import type { StoredMessage } from "./message.ts";
import { isExhausted, isOutlived, type Message, type MessageLease } from "./message.ts";
import { keep, type MessageDecision, put } from "./message-decision.ts";

export interface DeliveryTerms {
  readonly leaseId: string;
  readonly owner: string;
  readonly txnId: string;
  readonly explicit: boolean;
  /** > 0: what the consumer asks for; else the message's or the server's choice. */
  readonly visibilitySeconds: number;
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  /** Tag of the state marker if this delivery is stateful and the first to be so. */
  readonly stateEtag: string | undefined;
}

/** What became of a candidate. */
export type Delivered =
  | {
      readonly kind: "delivered";
      readonly message: Message;
      readonly lease: MessageLease;
      readonly etag: string;
    }
  /** Gone, outlived or dead: not a candidate any more. */
  | { readonly kind: "gone" }
  /** Somebody has it, or its time has not come. */
  | { readonly kind: "later"; readonly untilMs: number }
  /** `isPrepared` said no: what has to be done first needs the store. */
  | { readonly kind: "unprepared"; readonly message: Message };

/** Length of a delivery's lease (section 2.5). */
export function visibilityOf(message: Message, terms: DeliveryTerms): number {
  const { visibilitySeconds: asked } = terms;
  const wanted = asked > 0 ? asked : (message.defaultVisibilitySeconds ?? terms.defaultTtlSeconds);
  return Math.min(wanted, terms.maxTtlSeconds);
}

/** The end of a lease of `seconds` from now: whole seconds, and never past what can be counted. */
export function leaseEndUnix(nowMs: number, seconds: number): number {
  return Math.min(Math.floor(nowMs / 1000) + seconds, Math.floor(instantMsMax / 1000));
}

/**
 * What becomes of a message nobody holds before it may be delivered, or undefined when it may:
 * outlived ones are deleted, exhausted ones become dead letters (section 4.1).
 */
export function housekeeping<Answer>(
  message: Message,
  nowMs: number,
  answer: Answer,
): MessageDecision<Answer> | undefined {
  if (isLeased(message, nowMs)) return undefined;
  if (isOutlived(message, nowMs)) return { kind: "delete", gone: message, answer };
  if (isExhausted(message)) return { kind: "bury", letter: deadLetterOf(message, nowMs), answer };
  return undefined;
}

/** Grants the message to a consumer; the token counts up with every delivery. */
export function deliver(
  current: StoredMessage | undefined,
  request: {
    readonly terms: DeliveryTerms;
    readonly isPrepared: (message: Message) => boolean;
  },
  nowMs: number,
): MessageDecision<Delivered> {
  if (current === undefined || current.message.staged !== undefined) return keep({ kind: "gone" });
  const { message } = current;
  const { terms } = request;
  // Nothing is asked or settled about what somebody holds: their transaction is alive.
  if (isLeased(message, nowMs)) return keep({ kind: "later", untilMs: message.notVisibleUntilMs });
  // Before anything else: a member of a group that goes out of turn breaks the group's chain.
  // And what a transaction has committed already must neither be delivered nor buried.
  const isLapsed = message.lease?.explicit === true && isLeaseOver(message, nowMs);
  if ((isLapsed || message.previous !== undefined) && !request.isPrepared(message)) {
    return keep({ kind: "unprepared", message });
  }
  const kept = housekeeping<Delivered>(message, nowMs, { kind: "gone" });
  if (kept !== undefined) return kept;
  if (message.notVisibleUntilMs > nowMs) {
    return keep({ kind: "later", untilMs: message.notVisibleUntilMs });
  }
  if (!request.isPrepared(message)) return keep({ kind: "unprepared", message });
  const visibilitySeconds = visibilityOf(message, terms);
  const fencingToken = message.fencingToken + 1;
  const expiresAtUnix = leaseEndUnix(nowMs, visibilitySeconds);
  const { leaseId: id, owner, txnId, explicit } = terms;
  const lease: MessageLease = { id, owner, txnId, explicit, fencingToken, expiresAtUnix };
  const next: Message = {
    ...message,
    attempts: message.attempts + 1,
    fencingToken,
    notVisibleUntilMs: expiresAtUnix * 1000,
    visibilitySeconds,
    lastError: undefined,
    lease,
    stateEtag: message.stateEtag ?? terms.stateEtag,
    unlinked: false,
    committedBy: isOwnAgain(message, terms) ? undefined : message.committedBy,
  };
  return put<Delivered>(next, (etag) => ({ kind: "delivered", message: next, lease, etag }));
}

/** Taken under the id of its own transaction, used again: the old commit is over and done with. */
function isOwnAgain({ committedBy }: Message, { txnId, explicit }: DeliveryTerms): boolean {
  return explicit && committedBy === txnId;
}

/** The message as a dead letter: nobody's, with the reason of its end (section 11.1). */
export function deadLetterOf(message: Message, nowMs: number): Message {
  const reason =
    message.failureAttempts >= message.maxAttempts
      ? "max_attempts_exceeded"
      : "max_deliveries_exceeded";
  const time = new Date(nowMs).toISOString();
  const previous = message.lastError === undefined ? {} : { previous: message.lastError };
  return {
    ...message,
    lease: undefined,
    unlinked: false,
    lastError: { reason, time_rfc3339: time, ...previous },
    diedAtMs: nowMs,
  };
}
