/**
 * Messages that were enqueued inside a transaction (docs/decisions/0010-staged-messages.md). Pure.
 *
 * Such a message is stored where it will be, marked as staged, and nobody sees it. The commit takes
 * the mark off, a rollback deletes it: both are one conditional write of one record, and doing them
 * again does nothing.
 */
import { failure } from "../../api/errors.ts";
import { instantMsMax } from "../limits.ts";
import type { Decided } from "../txn/participant-kind.ts";
import { describeMessage } from "./fence.ts";
import type { DedupeRecord } from "./link-records.ts";
import type { Message, Staged, StoredMessage } from "./message.ts";
import { keep, type MessageDecision, put, refuse } from "./message-decision.ts";
import { timeOfMessageId } from "./message-ids.ts";
import type { MessageAt } from "./message-shell.ts";

/** The message as it waits for its decision: no clock of it runs. */
export function stagedMessage(message: Message, staged: Staged): Message {
  return {
    ...message,
    staged,
    // Older servers on the same store know no mark; to them it is not due.
    notVisibleUntilMs: instantMsMax,
    expiresAtMs: undefined,
    dedupe: message.dedupe === undefined ? undefined : { ...message.dedupe, untilMs: instantMsMax },
  };
}

/** The message as it appears: everything counts from the decision. */
export function appeared(message: Message, decidedAtMs: number): Message {
  const { staged, dedupe } = message;
  if (staged === undefined) return message;
  const { txnId, delayMs, ttlMs, dedupeWindowMs } = staged;
  return {
    ...message,
    staged: undefined,
    committedBy: txnId,
    enqueuedAtMs: decidedAtMs,
    notVisibleUntilMs: Math.min(decidedAtMs + delayMs, instantMsMax),
    expiresAtMs: ttlMs === 0 ? undefined : Math.min(decidedAtMs + ttlMs, instantMsMax),
    dedupe: dedupe === undefined ? undefined : { ...dedupe, untilMs: decidedAtMs + dedupeWindowMs },
  };
}

/** When it is due; for a staged one: if it were committed at once. */
export function dueMsOf({ staged, enqueuedAtMs, notVisibleUntilMs }: Message): number {
  return staged === undefined ? notVisibleUntilMs : enqueuedAtMs + staged.delayMs;
}

export function isStagedBy(message: Message | undefined, txnId: string): message is Message {
  return message?.staged !== undefined && message.staged.txnId === txnId;
}

/** What a decision does to a message that is, or was, staged. */
export type StagedOutcome =
  /** Through with it. */
  | "done"
  /** To be hung up in its group, or entered under its key, before it appears. */
  | "linked";

/** undefined: the message has nothing of a staged one, and its delivery decides (`settle.ts`). */
export function decideStaged(
  { message }: StoredMessage,
  decided: Decided & MessageAt,
): MessageDecision<StagedOutcome> | undefined {
  const { txnId, state, decidedAtMs } = decided;
  if (message.staged === undefined) {
    // The commit that let it appear, once more: whoever has it by now has it rightly.
    const isOldNews = state === "commit" && message.committedBy === txnId;
    return isOldNews && message.lease?.txnId !== txnId ? keep("done") : undefined;
  }
  if (message.staged.txnId !== txnId) {
    const detail = `${describeMessage(decided)}: mismatch; another transaction enqueued it`;
    return refuse(failure("queue_message_lease_mismatch", detail));
  }
  if (state === "rollback") return { kind: "delete", gone: message, answer: "done" };
  if (message.group !== undefined || message.dedupe !== undefined) return keep("linked");
  return put<StagedOutcome>(appeared(message, decidedAtMs), () => "done");
}

/** What the record of a dedupe key says to a message that is to appear now. */
export type KeyVerdict =
  /** The key is free. */
  | "enter"
  /** It was entered before. */
  | "entered"
  /** The window of this one was over before the key was taken: both are messages. */
  | "late"
  /** Another message has the key within this one's window. */
  | "second";

/**
 * What becomes of a message with a key that is to appear. The same whenever it is asked, even when
 * applying was broken off for longer than a window: what counts is the decision's time, not now;
 * and who was entered once is never taken for a second one, because the key can have been taken
 * over only after this message's window.
 */
export function keyVerdict(
  link: DedupeRecord | undefined,
  { messageId }: MessageAt,
  times: { readonly decidedAtMs: number; readonly windowEndMs: number },
): KeyVerdict {
  if (link?.messageId === messageId) return "entered";
  if (link === undefined || link.untilMs <= times.decidedAtMs) return "enter";
  const takenMs = link.enteredMs ?? timeOfMessageId(link.messageId);
  return takenMs < times.windowEndMs ? "second" : "late";
}
