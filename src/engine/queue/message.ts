/**
 * The message record: the only thing of a message that has to change atomically (http-queue.md
 * section 2.2). The lease of the current delivery is part of it, so that a delivery is one
 * conditional write and an ack one conditional delete. Plain immutable data.
 */
import type { Namespace } from "../../api/names.ts";
import { isMessageId } from "./message-ids.ts";

/** A queue's name after trimming, lower-casing and checking. */
export type QueueName = string & { readonly __brand: "queue" };

/** Which queue; both names normalised. */
export interface QueueId {
  readonly namespace: Namespace;
  readonly queue: QueueName;
}

export type PayloadPlace =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "object"; readonly name: string };

export interface Payload {
  readonly size: number;
  readonly contentType: string;
  readonly place: PayloadPlace;
}

/** The one delivery that may settle the message: the fence of the contract. */
export interface MessageLease {
  readonly id: string;
  readonly owner: string;
  readonly txnId: string;
  /** True when the consumer chose the transaction id. */
  readonly explicit: boolean;
  readonly fencingToken: number;
  /** Equality with now counts as expired; always the second of `notVisibleUntilMs`. */
  readonly expiresAtUnix: number;
}

/** A key its producer chose, and how long a second message with it counts as this one. */
export interface Dedupe {
  readonly key: string;
  readonly untilMs: number;
}

/**
 * A message that waits for the decision of the transaction it was enqueued in: nobody sees it. What
 * counts from its appearance (delay, time to live, window of its key) is reckoned only then.
 */
export interface Staged {
  readonly txnId: string;
  readonly delayMs: number;
  /** 0: lives until it is settled. */
  readonly ttlMs: number;
  /** Of its dedupe key; 0 without one. */
  readonly dedupeWindowMs: number;
}

export interface Message {
  readonly enqueuedAtMs: number;
  readonly correlationId: string;
  readonly payload: Payload;
  readonly attributes: Readonly<Record<string, unknown>> | undefined;
  /** Failure budget: nacks with intent failure. */
  readonly maxAttempts: number;
  /** Deliveries at most; 0 = no limit. */
  readonly maxDeliveries: number;
  readonly priority: number;
  readonly defaultVisibilitySeconds: number | undefined;
  readonly expiresAtMs: number | undefined;
  readonly dedupe: Dedupe | undefined;
  readonly group: string | undefined;
  /** The message of the group before this one; this one waits until that one is gone. */
  readonly previous: string | undefined;
  /**
   * True while its group or dedupe record may not know it yet: only on stores without atomic plans,
   * and resolved by whoever meets it (`links.ts`).
   */
  readonly unlinked: boolean;

  readonly attempts: number;
  readonly failureAttempts: number;
  /** Last token handed out; 0 before the first delivery. */
  readonly fencingToken: number;
  readonly notVisibleUntilMs: number;
  /** Length of the current or last lease; 0 before the first. */
  readonly visibilitySeconds: number;
  /** Any JSON value. */
  readonly lastError: unknown;
  readonly lease: MessageLease | undefined;
  /** Tag of the state marker, made at the first stateful delivery and never changed. */
  readonly stateEtag: string | undefined;
  /** Set while it waits for a decision; then no other clock of it runs. */
  readonly staged: Staged | undefined;
  /** The transaction whose commit let it appear: that commit is not applied to it twice. */
  readonly committedBy: string | undefined;
  /** When it became a dead letter; undefined while it lives. */
  readonly diedAtMs: number | undefined;
}

/** A message as stored: `etag` is the id of the write that made it, and its `meta_etag`. */
export interface StoredMessage {
  readonly message: Message;
  readonly etag: string;
}

/** True when the failure budget or the deliveries are used up: never to be delivered again. */
export function isExhausted(message: Message): boolean {
  const { failureAttempts, maxAttempts, attempts, maxDeliveries } = message;
  return failureAttempts >= maxAttempts || (maxDeliveries > 0 && attempts >= maxDeliveries);
}

/** True when its time to live is over; a running lease is honoured by looking at it first. */
export function isOutlived(message: Message, nowMs: number): boolean {
  return message.expiresAtMs !== undefined && message.expiresAtMs <= nowMs;
}

/** The object that holds the payload, if it is not inside the record. */
export function payloadObjects(message: Message): readonly string[] {
  return message.payload.place.kind === "object" ? [message.payload.place.name] : [];
}

/** Prefixes of everything queues keep, for sweeping. */
export const messagePrefix = "m/";
export const deadLetterPrefix = "x/";
export const payloadPrefix = "p/";
export const groupPrefix = "g/";
export const dedupePrefix = "d/";

/** Prefix of a queue's message records; an id follows. */
export function messagesOf({ namespace, queue }: QueueId): string {
  return `m/${namespace}/${queue}/`;
}

export function messageName(target: QueueId, messageId: string): string {
  return `${messagesOf(target)}${messageId}`;
}

/** Prefix of a queue's dead letters; an id follows. */
export function deadLettersOf({ namespace, queue }: QueueId): string {
  return `x/${namespace}/${queue}/`;
}

export function deadLetterName(target: QueueId, messageId: string): string {
  return `${deadLettersOf(target)}${messageId}`;
}

export function payloadName({ namespace, queue }: QueueId, messageId: string): string {
  return `p/${namespace}/${queue}/${messageId}`;
}

/** The message whose state the record `k/<namespace>/q/<queue>/state/<id>` is; else undefined. */
export function stateOwnerOf(
  recordName: string,
): (QueueId & { readonly messageId: string }) | undefined {
  const parts = recordName.split("/");
  const [kind, namespace, q, queue, state, messageId] = parts;
  if (parts.length !== 6 || kind !== "k" || q !== "q" || state !== "state") return undefined;
  if (messageId === undefined || !isMessageId(messageId)) return undefined;
  return { namespace: namespace as Namespace, queue: queue as QueueName, messageId };
}

/** `<prefix>/<namespace>/<queue>/<rest>` taken apart; undefined for foreign names. */
export function partsOfName(
  name: string,
): { readonly target: QueueId; readonly rest: string } | undefined {
  const [, namespace, queue, rest] = name.split("/");
  if (namespace === undefined || queue === undefined || rest === undefined) return undefined;
  return { target: { namespace: namespace as Namespace, queue: queue as QueueName }, rest };
}
