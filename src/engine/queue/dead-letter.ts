/**
 * A dead letter: the last record of a message under another name. Its payload object and its state
 * stay where they are.
 */
import { failure, type LockdApiError } from "../../api/errors.ts";
import type { DeadLetter } from "../../api/queues.ts";
import type { ApplyResult, NamedObject, Plan, Step, Store, VersionTag } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { deadLettersOf, type Message, type QueueId } from "./message.ts";
import { decodeMessage } from "./message-codec.ts";
import type { MessageAt } from "./message-shell.ts";

export interface Letter {
  readonly at: MessageAt;
  readonly name: string;
  readonly tag: VersionTag;
  readonly message: Message;
}

export function letterIdOf(target: QueueId, name: string): string {
  return name.slice(deadLettersOf(target).length);
}

/** @throws StoreFailure "corrupt" */
export function letterOf(target: QueueId, { name, bytes, tag }: NamedObject): Letter {
  const { message } = decodeMessage(name, bytes);
  return { at: { ...target, messageId: letterIdOf(target, name) }, name, tag, message };
}

/** Deletes the letter while it is as it was read. */
export function removalOf({ name, tag }: Letter): Step {
  return { kind: "delete", name, when: { kind: "tag", tag } };
}

/** True when applied, false when somebody else was faster. @throws store errors */
export async function isApplied(store: Store, plan: Plan): Promise<boolean> {
  const result: ApplyResult = await callStore(() => store.apply(plan));
  if (result.kind === "unknown") {
    throw failure("store_unavailable", "the outcome of a write could not be found out", {
      outcomeUnknown: true,
      cause: result.cause,
    });
  }
  return result.kind === "applied";
}

export function describeLetter({ at, message }: Letter): DeadLetter {
  return {
    messageId: at.messageId,
    attempts: message.attempts,
    failureAttempts: message.failureAttempts,
    maxAttempts: message.maxAttempts,
    enqueuedAtUnix: Math.floor(message.enqueuedAtMs / 1000),
    diedAtUnix: Math.floor((message.diedAtMs ?? 0) / 1000),
    attributes: message.attributes ?? {},
    payloadContentType: message.payload.contentType,
    payloadBytes: message.payload.size,
    correlationId: message.correlationId,
    lastError: message.lastError,
  };
}

export function missingPayload({ messageId }: MessageAt): LockdApiError {
  return failure("store_corrupt", `the payload of dead letter ${messageId} is gone`);
}
