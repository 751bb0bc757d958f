/** Ack, nack, extend, giving back, and decisions of transactions (http-queue.md 12, 13.3). Pure. */
import { failure } from "../../api/errors.ts";
import { instantMsMax } from "../limits.ts";
import { leaseEndUnix } from "./deliver.ts";
import { type DeliveryClaim, describeMessage, fenceError, isLeased } from "./fence.ts";
import type { Message, MessageLease, StoredMessage } from "./message.ts";
import { keep, type MessageDecision, put, refuse } from "./message-decision.ts";

export interface AckTerms {
  readonly claim: DeliveryClaim;
  /** "" when not given. An old one is no mistake of the rightful holder (12.1 step 4). */
  readonly stateEtag: string;
}

/** Deletes the message in its holder's name; answers the message that was. */
export function ack(
  current: StoredMessage | undefined,
  terms: AckTerms,
  nowMs: number,
): MessageDecision<Message> {
  const error = fenceError(current?.message, terms.claim, nowMs);
  if (error !== undefined || current === undefined) return refuseFence(error, terms.claim);
  const { message } = current;
  const { stateEtag } = message;
  if (terms.stateEtag !== "" && stateEtag !== undefined && stateEtag !== terms.stateEtag) {
    return refuse(staleTag(message, terms.claim, "the state's marker"));
  }
  if (message.lease?.explicit === true) {
    return applyDecision(current, { ...terms.claim, outcome: "commit" }, nowMs).decision;
  }
  return { kind: "delete", gone: message, answer: message };
}

export interface NackTerms {
  readonly claim: DeliveryClaim;
  readonly metaEtag: string;
  /** 0: visible at once. */
  readonly delayMs: number;
  readonly intent: "failure" | "defer";
  readonly lastError: unknown;
}

export interface Settled {
  readonly message: Message;
  readonly etag: string;
}

/** Puts the message back; a failure counts against its budget, a deferral does not. */
export function nack(
  current: StoredMessage | undefined,
  terms: NackTerms,
  nowMs: number,
): MessageDecision<Settled> {
  const error = fenceError(current?.message, terms.claim, nowMs);
  if (error !== undefined || current === undefined) return refuseFence(error, terms.claim);
  const { message } = current;
  if (current.etag !== terms.metaEtag) return refuse(staleTag(message, terms.claim, "meta_etag"));
  const failed = terms.intent === "failure";
  const next: Message = {
    ...requeued(message, nowMs + terms.delayMs),
    failureAttempts: message.failureAttempts + (failed ? 1 : 0),
    lastError: failed ? terms.lastError : undefined,
  };
  return put<Settled>(next, (etag) => ({ message: next, etag }));
}

export interface ExtendTerms {
  readonly claim: DeliveryClaim;
  readonly metaEtag: string;
  /** <= 0: the length of the current lease again. */
  readonly extendBySeconds: number;
}

export interface Extended {
  readonly message: Message;
  readonly lease: MessageLease;
  readonly etag: string;
}

/** Moves the end of the lease to `now + e`, which may be earlier; nothing else changes. */
export function extend(
  current: StoredMessage | undefined,
  terms: ExtendTerms,
  nowMs: number,
): MessageDecision<Extended> {
  const error = fenceError(current?.message, terms.claim, nowMs);
  const held = current?.message.lease;
  if (error !== undefined || current === undefined || held === undefined) {
    return refuseFence(error, terms.claim);
  }
  const { message } = current;
  if (current.etag !== terms.metaEtag) return refuse(staleTag(message, terms.claim, "meta_etag"));
  const seconds = extensionSeconds(message, terms.extendBySeconds);
  const lease: MessageLease = { ...held, expiresAtUnix: leaseEndUnix(nowMs, seconds) };
  const next: Message = {
    ...message,
    lease,
    visibilitySeconds: seconds,
    notVisibleUntilMs: lease.expiresAtUnix * 1000,
  };
  return put<Extended>(next, (etag) => ({ message: next, lease, etag }));
}

/** The length an extension asks for; not capped by the longest lease (12.3). */
export function extensionSeconds(message: Message, extendBySeconds: number): number {
  return extendBySeconds > 0 ? extendBySeconds : message.visibilitySeconds;
}

/** Takes a delivery back that never reached its consumer; nothing when it is somebody else's. */
export function giveBack(
  current: StoredMessage | undefined,
  leaseId: string,
  nowMs: number,
): MessageDecision<boolean> {
  if (current?.message.lease?.id !== leaseId || !isLeased(current.message, nowMs)) {
    return keep(false);
  }
  return put(requeued(current.message, nowMs), () => true);
}

export interface TransactionDecision {
  readonly messageId: string;
  readonly namespace: DeliveryClaim["namespace"];
  readonly queue: DeliveryClaim["queue"];
  /** undefined: the transaction of whatever lease there is. */
  readonly txnId: string | undefined;
  readonly outcome: "commit" | "rollback";
  /** When it was decided; undefined: now. */
  readonly decidedAtMs?: number | undefined;
  /** Whoever takes a lapsed delivery of it asks it first: what nobody took is still its own. */
  readonly sends?: true | undefined;
}

/**
 * Applies the decision of a transaction to a message that takes part in it (section 13.3); answers
 * the message it was applied to. `settled` is false when the message moved on without this
 * transaction: a live decision reports that as a mismatch, a replay takes it as done. Idempotent:
 * a message that is gone is settled. A commit that was decided while the delivery was held settles
 * it however late it is applied, unless somebody else has it by then.
 */
export function applyDecision(
  current: StoredMessage | undefined,
  decided: TransactionDecision,
  nowMs: number,
): { readonly settled: boolean; readonly decision: MessageDecision<Message> } {
  const name = describeMessage(decided);
  if (current === undefined) {
    const decision = refuse(failure("not_found", `there is no ${name}`));
    return { settled: true, decision };
  }
  const { message } = current;
  const { lease, correlationId } = message;
  const ours = lease !== undefined && (decided.txnId ?? lease.txnId) === lease.txnId;
  const heldAtMs = Math.min(nowMs, decided.decidedAtMs ?? nowMs);
  const holds = ours && (decided.sends === true || isLeased(message, heldAtMs));
  if (decided.outcome === "commit" && holds) {
    return { settled: true, decision: { kind: "delete", gone: message, answer: message } };
  }
  // A rollback of what nobody holds any more leaves the message as it is: back in the queue.
  if (decided.outcome === "rollback" && lease === undefined) {
    return { settled: true, decision: keep(message) };
  }
  if (decided.outcome === "rollback" && ours) {
    const next: Message = { ...requeued(message, nowMs), lastError: { reason: "txn_rollback" } };
    return { settled: true, decision: put(next, () => next) };
  }
  const detail = `${name}: mismatch; it is not in the hands of transaction ${decided.txnId ?? ""}`;
  const error = failure("queue_message_lease_mismatch", detail, { correlationId });
  return { settled: false, decision: refuse(error) };
}

/** In nobody's hands, visible from `dueMs`; counters and visibility settings stay. */
function requeued(message: Message, dueMs: number): Message {
  return { ...message, lease: undefined, notVisibleUntilMs: Math.min(dueMs, instantMsMax) };
}

function staleTag(
  message: Message,
  claim: DeliveryClaim,
  what: string,
): ReturnType<typeof failure> {
  const detail = `${describeMessage(claim)}: ${what} is no longer the given one`;
  return failure("cas_mismatch", detail, { correlationId: message.correlationId });
}

function refuseFence(
  error: ReturnType<typeof fenceError>,
  claim: DeliveryClaim,
): MessageDecision<never> {
  return refuse(error ?? failure("not_found", `there is no ${describeMessage(claim)}`));
}
