/**
 * The queue face of lockd (http-queue.md). An at-least-once queue on the same store: every message
 * is delivered until somebody settles it, and only the holder of its current delivery can.
 *
 * Requests are unchecked, as everywhere in `Lockd`. Durations are whole seconds as on the wire,
 * instants are Unix seconds. What is marked "extension" is additive: old servers ignore it.
 */
import type { BodyIn, BodyOut, Decimal, LockdCall } from "./lockd.ts";

/** Addresses a queue. */
export interface QueueAddress {
  readonly namespace?: string | undefined;
  readonly queue?: string | undefined;
}

export interface EnqueueRequest extends QueueAddress {
  readonly delaySeconds?: number | undefined;
  /** <= 0 or absent: the consumer's or server's choice. */
  readonly visibilityTimeoutSeconds?: number | undefined;
  /** <= 0 or absent: never expires. */
  readonly ttlSeconds?: number | undefined;
  /** Failure budget; <= 0 or absent: 5. */
  readonly maxAttempts?: number | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  readonly payloadContentType?: string | undefined;
  /** Extension: deliveries at most, however they ended; <= 0 or absent: no limit. */
  readonly maxDeliveries?: number | undefined;
  /** Extension: -100 to 100, higher first among what is due; default 0. */
  readonly priority?: number | undefined;
  /** Extension: messages of one group are delivered one at a time, strictly in order. */
  readonly group?: string | undefined;
  /** Extension: a second enqueue with the same key within the window answers the first message. */
  readonly dedupeKey?: string | undefined;
  /** Extension: seconds a dedupe key is remembered; default 300. */
  readonly dedupeWindowSeconds?: number | undefined;
  /** Extension: xid of a transaction; the message appears when it commits. */
  readonly txnId?: string | undefined;
}

export interface EnqueueResult {
  readonly namespace: string;
  readonly queue: string;
  readonly messageId: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly failureAttempts: number;
  readonly notVisibleUntilUnix: number;
  readonly visibilityTimeoutSeconds: number;
  readonly payloadBytes: number;
  readonly correlationId: string;
  /** Extension: true when the dedupe key was seen before and `messageId` is that first message. */
  readonly duplicate: boolean;
  /** Extension: the transaction whose commit lets the message appear; absent: it is there. */
  readonly txnId?: string | undefined;
}

export interface DequeueRequest extends QueueAddress {
  readonly owner?: string | undefined;
  readonly txnId?: string | undefined;
  /**
   * Extension: the transaction stands and falls with the delivery. Before anybody else gets a
   * message of it whose lease has lapsed, it is rolled back; a commit that comes later is answered
   * `rollback`. So it always is where the transaction sends messages.
   */
  readonly txnBound?: boolean | undefined;
  readonly visibilityTimeoutSeconds?: number | undefined;
  /** < 0: do not wait; 0 or absent: for ever; > 0: at most so long. */
  readonly waitSeconds?: number | undefined;
  /** Messages in one answer, or the window of a subscription; 1 to 64. */
  readonly pageSize?: number | undefined;
  readonly startAfter?: string | undefined;
  /** Deliver each message together with the lease of its workflow state. */
  readonly withState?: boolean | undefined;
}

/** The lease of a message's workflow state, key `q/<queue>/state/<messageId>`. */
export interface DeliveredState {
  readonly etag: string;
  readonly leaseId: string;
  readonly leaseExpiresAtUnix: number;
  readonly fencingToken: number;
  readonly txnId: string;
}

/** One message in a consumer's hands. */
export interface Delivery {
  readonly namespace: string;
  readonly queue: string;
  readonly messageId: string;
  /** This delivery included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly failureAttempts: number;
  readonly notVisibleUntilUnix: number;
  readonly visibilityTimeoutSeconds: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly payloadContentType: string;
  readonly payloadBytes: number;
  readonly correlationId: string;
  readonly leaseId: string;
  readonly leaseExpiresAtUnix: number;
  readonly fencingToken: number;
  readonly txnId: string;
  readonly metaEtag: string;
  readonly state: DeliveredState | undefined;
  /** To be read or closed before the next delivery of the same stream is asked for. */
  readonly payload: BodyOut;
}

/** Deliveries as they come; ends when the server drains or nothing is left and nobody waits. */
export interface DeliveryStream extends AsyncIterable<Delivery> {
  /** Stops; what was handed out stays with its holder. Idempotent. */
  close(): Promise<void>;
}

/** Identity of one delivery, as it was delivered. */
export interface MessageAddress extends QueueAddress {
  readonly messageId?: string | undefined;
  readonly leaseId?: string | undefined;
  readonly fencingToken?: Decimal | undefined;
  /** Default: the delivery's own. */
  readonly txnId?: string | undefined;
  readonly metaEtag?: string | undefined;
  readonly stateLeaseId?: string | undefined;
  readonly stateFencingToken?: Decimal | undefined;
}

export interface AckRequest extends MessageAddress {
  readonly stateEtag?: string | undefined;
}

export interface AckResult {
  readonly acked: true;
  readonly correlationId: string;
}

export interface NackRequest extends AckRequest {
  readonly delaySeconds?: number | undefined;
  /** `failure` (default) counts against the budget, `defer` does not. */
  readonly intent?: string | undefined;
  /** Any JSON value; not with `defer`. */
  readonly lastError?: unknown;
}

export interface NackResult {
  readonly requeued: true;
  readonly metaEtag: string;
  readonly correlationId: string;
}

export interface ExtendRequest extends MessageAddress {
  /** From now on; <= 0 or absent: the delivery's visibility again. */
  readonly extendBySeconds?: number | undefined;
}

export interface ExtendResult {
  readonly leaseExpiresAtUnix: number;
  readonly visibilityTimeoutSeconds: number;
  readonly metaEtag: string;
  readonly stateLeaseExpiresAtUnix: number | undefined;
  readonly correlationId: string;
}

export interface QueueStats {
  readonly namespace: string;
  readonly queue: string;
  readonly waitingConsumers: number;
  readonly pendingCandidates: number;
  /** Extension: true when they were too many to count to the end; absent otherwise. */
  readonly pendingAtLeast?: true | undefined;
  readonly totalConsumers: number;
  readonly hasActiveWatcher: boolean;
  readonly available: boolean;
  readonly headMessageId: string | undefined;
  readonly headEnqueuedAtUnix: number | undefined;
  readonly headNotVisibleUntilUnix: number | undefined;
  readonly headAgeSeconds: number | undefined;
  readonly correlationId: string;
}

export interface QueueWatchEvent {
  readonly namespace: string;
  readonly queue: string;
  readonly available: boolean;
  readonly headMessageId: string | undefined;
  readonly changedAtUnix: number;
  readonly correlationId: string;
}

/** What of a queue is counted: its dead letters, or what is not dead. */
export type QueueCounted = "messages" | "dead";

/** Extension: one queue and what is in it. */
export interface QueueSummary {
  readonly namespace: string;
  readonly queue: string;
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  readonly dead: number;
  /** Seconds since the oldest ready message was enqueued; undefined when none is ready. */
  readonly oldestAgeSeconds: number | undefined;
  /** What was too much to count to its end: there are at least so many. Absent: all was counted. */
  readonly atLeast?: readonly QueueCounted[] | undefined;
}

export interface QueueListRequest {
  /** Absent: all namespaces; with `queue`, the default one. */
  readonly namespace?: string | undefined;
  /** Only this one. */
  readonly queue?: string | undefined;
  readonly cursor?: string | undefined;
  /** 1 to 1000; default 100. */
  readonly limit?: number | undefined;
}

export interface QueueListResult {
  readonly queues: readonly QueueSummary[];
  readonly cursor: string | undefined;
}

/** Extension: a message that will not be delivered any more. */
export interface DeadLetter {
  readonly messageId: string;
  readonly attempts: number;
  readonly failureAttempts: number;
  readonly maxAttempts: number;
  readonly enqueuedAtUnix: number;
  readonly diedAtUnix: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly payloadContentType: string;
  readonly payloadBytes: number;
  readonly correlationId: string;
  /** `{reason, time_rfc3339, previous?}`. */
  readonly lastError: unknown;
}

export interface DeadLetterListRequest extends QueueAddress {
  readonly cursor?: string | undefined;
  /** 1 to 1000; default 100. */
  readonly limit?: number | undefined;
}

/** A dead letter that cannot be read; it is left as it is. */
export interface DamagedLetter {
  readonly messageId: string;
  readonly detail: string;
}

export interface DeadLetterList {
  readonly letters: readonly DeadLetter[];
  /** Those among them that cannot be read; they count for the limit. */
  readonly damaged: readonly DamagedLetter[];
  readonly cursor: string | undefined;
}

export interface DeadLetterContent {
  readonly letter: DeadLetter;
  readonly payload: BodyOut;
}

/** Which dead letters: one, or all of the queue as far as `limit` goes. */
export interface DeadLetterSelection extends QueueAddress {
  readonly messageId?: string | undefined;
  readonly all?: boolean | undefined;
  /** Letters in one call; 1 to 1000, default 1000. Call again while `more`. */
  readonly limit?: number | undefined;
  /** With `all`: go on where the answer before ended. */
  readonly cursor?: string | undefined;
}

export interface DeadLetterChange {
  readonly changed: number;
  /** With `all`: those that cannot be read, and were left alone. */
  readonly damaged: readonly DamagedLetter[];
  readonly more: boolean;
  /**
   * With `more`: what the next call begins after. Without it a letter that dies again at once is
   * met again, and whoever puts back all of them may never come to the end.
   */
  readonly cursor?: string | undefined;
}

export interface Queues {
  /** Durable when it resolves. Not idempotent without a dedupe key. */
  enqueue(request: EnqueueRequest, payload: BodyIn, call?: LockdCall): Promise<EnqueueResult>;
  /** At least one delivery. @throws waiting, queue_busy, shutdown_draining */
  dequeue(request: DequeueRequest, call?: LockdCall): Promise<readonly Delivery[]>;
  /** Resolves with the first message ready. @throws as dequeue */
  subscribe(request: DequeueRequest, call?: LockdCall): Promise<DeliveryStream>;
  /** @throws queue_message_lease_mismatch, not_found, lease errors, cas_mismatch */
  ack(request: AckRequest, call?: LockdCall): Promise<AckResult>;
  nack(request: NackRequest, call?: LockdCall): Promise<NackResult>;
  extend(request: ExtendRequest, call?: LockdCall): Promise<ExtendResult>;
  stats(request: QueueAddress, call?: LockdCall): Promise<QueueStats>;
  /** The present snapshot at once, then every change; ends with `call.signal` or a drain. */
  watch(request: QueueAddress, call?: LockdCall): Promise<AsyncIterable<QueueWatchEvent>>;
  /** Extension: all queues. */
  list(request: QueueListRequest, call?: LockdCall): Promise<QueueListResult>;
  /** Extension: dead letters, oldest first. */
  deadLetters(request: DeadLetterListRequest, call?: LockdCall): Promise<DeadLetterList>;
  /** Extension. @throws message_not_found */
  deadLetter(
    request: QueueAddress & { messageId?: string | undefined },
    call?: LockdCall,
  ): Promise<DeadLetterContent>;
  /** Extension: back into the queue with fresh counters. */
  redrive(request: DeadLetterSelection, call?: LockdCall): Promise<DeadLetterChange>;
  /** Extension: deletes dead letters for good. */
  purge(request: DeadLetterSelection, call?: LockdCall): Promise<DeadLetterChange>;
}

/** What a carrier of queues must know beyond the verbs. */
export interface ServedQueues extends Queues {
  /**
   * Makes a delivery ready again at once when it is certain that its consumer got nothing of it;
   * nothing happens when somebody else has it by now. `attempts` stays counted.
   */
  giveBack(delivery: Delivery): Promise<void>;
}
