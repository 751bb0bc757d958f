/** Queues as callers of the SDK see them (client-sdk.md 10 and 11). Durations are milliseconds. */
import type {
  BodyInput,
  Call,
  CallOptions,
  ClientLogger,
  LockdClient,
  OnceBody,
  StateAccess,
} from "../types.ts";

export interface EnqueueOptions {
  namespace?: string | undefined;
  /** Not delivered before. */
  delayMs?: number | undefined;
  /** Lease time of deliveries whose consumer names none. */
  visibilityMs?: number | undefined;
  /** Deleted when not consumed within; default: kept for ever. */
  ttlMs?: number | undefined;
  /** Failed deliveries until it becomes a dead letter; 5. */
  maxAttempts?: number | undefined;
  attributes?: Record<string, unknown> | undefined;
  contentType?: string | undefined;
  /** Deliveries at most, however they end, crashes included; 100; 0 for no limit. */
  maxDeliveries?: number | undefined;
  /** -100 to 100; higher first among what is due. */
  priority?: number | undefined;
  /** Messages of a group are delivered one at a time, in order. */
  group?: string | undefined;
  /**
   * A second enqueue with the same key within the window answers the first message. Without one the
   * SDK makes a key of its own for payloads it can send again, so that an enqueue whose answer got
   * lost is repeated safely; `false`: no key, no repetition.
   */
  dedupeKey?: string | false | undefined;
  /** How long the key is remembered; 300 000 for keys of callers. */
  dedupeWindowMs?: number | undefined;
  /** The message appears when this transaction commits, and never when it is rolled back. */
  txnId?: string | undefined;
}

export interface EnqueueResult {
  readonly namespace: string;
  readonly queue: string;
  readonly messageId: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly notVisibleUntil: Date;
  readonly visibilityMs: number;
  readonly payloadBytes: number;
  readonly correlationId?: string;
  /** True when the message was there already under this dedupe key. */
  readonly duplicate: boolean;
  /** The transaction whose commit lets the message appear. */
  readonly txnId?: string;
}

export interface DequeueOptions {
  namespace?: string | undefined;
  /** Who consumes: shown to others, not checked. */
  owner: string;
  /** Lease time of the delivery. */
  visibilityMs?: number | undefined;
  /** How long to wait for a message; "forever" by default, 0 means "none". */
  waitMs?: number | "forever" | "none" | undefined;
  /** Messages at most, 1 to 64; `dequeueBatch` only. */
  pageSize?: number | undefined;
  /** Accepted by the contract, without effect. */
  startAfter?: string | undefined;
  /** Transaction the delivery is to take part in. */
  txnId?: string | undefined;
  /**
   * With `txnId`: the transaction is rolled back before anybody else gets the message. Without, a
   * commit that comes too late stands for everything but the message. An extension: other servers
   * refuse it (`invalid_body`).
   */
  txnBound?: boolean | undefined;
  /** Delay of the nack that closing an unsettled message means. */
  onCloseDelayMs?: number | undefined;
}

export interface SubscribeOptions extends Omit<DequeueOptions, "pageSize" | "txnId" | "txnBound"> {
  /** Messages the server may send ahead, 1 to 64. */
  prefetch?: number | undefined;
  withState?: boolean | undefined;
}

/** The identity of one delivery. */
export interface MessageIds {
  readonly namespace?: string | undefined;
  readonly queue: string;
  readonly messageId: string;
  readonly leaseId: string;
  readonly fencingToken: number;
  readonly txnId?: string | undefined;
  /** Optional for ack only. */
  readonly metaEtag?: string | undefined;
  readonly stateLeaseId?: string | undefined;
  readonly stateFencingToken?: number | undefined;
}

/** A message in hand. Dispose without settling: nack. */
export interface QueueMessage extends AsyncDisposable {
  readonly namespace: string;
  readonly queue: string;
  readonly messageId: string;
  /** Deliveries so far, this one included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly failureAttempts: number;
  readonly notVisibleUntil: Date;
  readonly visibilityMs: number;
  readonly attributes: Record<string, unknown>;
  readonly contentType: string;
  readonly payloadBytes: number;
  readonly leaseId: string;
  readonly leaseExpiresAt: Date;
  readonly fencingToken: number;
  readonly txnId?: string;
  readonly metaEtag: string;
  readonly correlationId?: string;
  readonly cursor?: string;
  /** To be read before the next message of the same subscription is asked for. */
  readonly payload: OnceBody;
  readonly state?: QueueStateHandle;
  readonly settled: boolean;
  /** Done with it. @throws MessageSettledError, LockdApiError when it is not ours any more */
  ack(o?: Call): Promise<void>;
  /** Failed: counts against the budget. `error` is any JSON value. */
  nack(o?: Call<{ delayMs?: number | undefined; error?: unknown }>): Promise<void>;
  /** Later, without counting. */
  defer(o?: Call<{ delayMs?: number | undefined }>): Promise<void>;
  /** @returns new lease end */
  extend(o?: Call<{ byMs?: number | undefined }>): Promise<Date>;
  /** Discards the rest of the payload; an unsettled message is nacked. */
  close(): Promise<void>;
}

/** The document that travels with a message; what is staged follows the message's settling. */
export interface QueueStateHandle extends Omit<StateAccess, "updateAndRelease" | "saveAndRelease"> {
  readonly key: string;
  readonly leaseId: string;
  readonly fencingToken: number;
  readonly stateEtag: string;
}

export interface StatefulMessage extends QueueMessage {
  readonly state: QueueStateHandle;
}

export interface QueueWatchEvent {
  readonly namespace: string;
  readonly queue: string;
  readonly available: boolean;
  readonly headMessageId?: string;
  readonly changedAt: Date;
  readonly correlationId?: string;
}

export interface QueueStats {
  readonly namespace: string;
  readonly queue: string;
  readonly waitingConsumers: number;
  readonly pendingCandidates: number;
  /** True when they were too many to count to the end. */
  readonly pendingAtLeast?: true;
  readonly totalConsumers: number;
  readonly hasActiveWatcher: boolean;
  readonly available: boolean;
  readonly headMessageId?: string;
  readonly headEnqueuedAt?: Date;
  readonly headNotVisibleUntil?: Date;
  readonly headAgeMs?: number;
  readonly correlationId?: string;
}

export interface QueueSummary {
  readonly namespace: string;
  readonly queue: string;
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly oldestAgeMs?: number;
  /** What was too much to count to its end: there are at least so many. */
  readonly atLeast?: readonly ("messages" | "dead")[];
}

export interface DeadLetter {
  readonly messageId: string;
  readonly attempts: number;
  readonly failureAttempts: number;
  readonly maxAttempts: number;
  readonly enqueuedAt: Date;
  readonly diedAt: Date;
  readonly attributes: Record<string, unknown>;
  readonly contentType: string;
  readonly payloadBytes: number;
  readonly correlationId?: string;
  readonly lastError?: unknown;
}

/** One dead letter, or all of a queue. */
export type DeadLetterChoice = { messageId: string } | { all: true };

/** What goes beyond single messages; extensions of lockd's own servers and of inline use. */
export interface QueueAdmin {
  /** All queues with their counts, of one namespace or of all. */
  list(o?: Call<{ namespace?: string | undefined }>): AsyncIterable<QueueSummary>;
  /**
   * Oldest first.
   * @throws LockdApiError with code store_corrupt, behind the last of them: names damaged ones
   */
  deadLetters(
    queue: string,
    o?: Call<{ namespace?: string | undefined }>,
  ): AsyncIterable<DeadLetter>;
  /** @throws LockdApiError with code message_not_found */
  deadLetter(
    queue: string,
    messageId: string,
    ...rest: [o?: Call<{ namespace?: string | undefined }>]
  ): Promise<DeadLetter & { readonly payload: OnceBody }>;
  /**
   * Back into the queue with fresh counters. @returns how many
   * @throws LockdApiError with code store_corrupt, when all others are done: names damaged ones
   */
  redrive(
    queue: string,
    choice: DeadLetterChoice,
    ...rest: [o?: Call<{ namespace?: string | undefined }>]
  ): Promise<number>;
  /** Deletes for good. @returns how many @throws as redrive */
  purge(
    queue: string,
    choice: DeadLetterChoice,
    ...rest: [o?: Call<{ namespace?: string | undefined }>]
  ): Promise<number>;
  /** Settles a delivery by its ids. */
  ack(ids: MessageIds, o?: Call<{ stateEtag?: string | undefined }>): Promise<void>;
  nack(
    ids: MessageIds,
    o?: Call<{
      delayMs?: number | undefined;
      error?: unknown;
      intent?: "failure" | "defer" | undefined;
    }>,
  ): Promise<{ metaEtag: string }>;
  extend(
    ids: MessageIds,
    o?: Call<{ byMs?: number | undefined }>,
  ): Promise<{ leaseExpiresAt: Date; visibilityMs: number; metaEtag: string }>;
}

/** The queue side of a client. */
export interface QueueClient {
  readonly queues: QueueAdmin;
  /** Durable when it resolves. `null`: an empty payload. */
  enqueue(
    queue: string,
    payload: BodyInput | null,
    ...rest: [o?: Call<EnqueueOptions>]
  ): Promise<EnqueueResult>;
  /** null when no message arrived in time. */
  dequeue(queue: string, o: DequeueOptions & CallOptions): Promise<QueueMessage | null>;
  dequeueWithState(queue: string, o: DequeueOptions & CallOptions): Promise<StatefulMessage | null>;
  dequeueBatch(queue: string, o: DequeueOptions & CallOptions): Promise<QueueMessage[]>;
  /** Messages as they come; settle each one. Ends when the server ends the stream cleanly. */
  subscribe(queue: string, o: SubscribeOptions & CallOptions): AsyncIterable<QueueMessage>;
  /** One message at a time, extended while the handler runs; what it leaves unsettled is nacked. */
  subscribe(
    queue: string,
    o: SubscribeOptions & CallOptions,
    ...rest: [handler: (m: QueueMessage, signal: AbortSignal) => Promise<void>]
  ): Promise<void>;
  /** The present snapshot and every change; reconnects until it is left or aborted. */
  watch(
    queue: string,
    o?: Call<{ namespace?: string | undefined }>,
  ): AsyncIterable<QueueWatchEvent>;
  queueStats(queue: string, o?: Call<{ namespace?: string | undefined }>): Promise<QueueStats>;
}

export interface ConsumerContext {
  readonly message: QueueMessage;
  /** Only with `withState`. */
  readonly state?: QueueStateHandle;
  readonly client: LockdClient;
  readonly logger: ClientLogger;
  readonly name: string;
  /** Aborts when the group stops and when the message's lease could not be extended. */
  readonly signal: AbortSignal;
  /** Deliveries of this message so far. */
  readonly attempt: number;
}

export interface ConsumerEvent {
  readonly name: string;
  readonly queue: string;
  readonly withState: boolean;
  /** Subscriptions of this worker so far; 0 for the failure of a handler. */
  readonly attempt: number;
}

export interface ConsumerFailure extends ConsumerEvent {
  readonly error: unknown;
  /** Milliseconds until the next try; 0 when it is at once, or when there is none. */
  readonly restartInMs: number;
}

export interface RestartPolicy {
  /** Failures in a row that are followed by a new try at once; 3. */
  immediateRetries: number;
  /** First pause after those; 250. */
  baseMs: number;
  /** Growth of the pauses; 2. */
  multiplier: number;
  /** Longest pause; 300 000. */
  maxMs: number;
  /** Added or taken away at random, at most so much; 0. */
  jitterMs: number;
  /** Failures in a row after which it stops for good; 0: never. */
  maxFailures: number;
}

export interface ConsumerConfig {
  queue: string;
  /** Label in logs, events and owners; the queue's name. */
  name?: string | undefined;
  namespace?: string | undefined;
  withState?: boolean | undefined;
  handler: (context: ConsumerContext) => Promise<void> | void;
  /**
   * "auto" (default): ack when the handler resolves, nack with its error when it throws, unless it
   * settled itself. "manual": the handler settles; what it leaves is nacked, and a throw ends the
   * subscription.
   */
  settle?: "auto" | "manual" | undefined;
  /** Parallel subscriptions; 1. */
  workers?: number | undefined;
  subscribe?: Partial<Omit<SubscribeOptions, "namespace" | "withState" | "startAfter">> | undefined;
  restart?: Partial<RestartPolicy> | undefined;
  onStart?: ((event: ConsumerEvent) => Promise<void> | void) | undefined;
  onStop?: ((event: ConsumerEvent) => Promise<void> | void) | undefined;
  /** Throwing, or answering an error, stops this consumer for good. */
  onError?: ((event: ConsumerFailure) => unknown) | undefined;
}

/** Consumers that run until they are stopped. */
export interface ConsumerGroup extends AsyncDisposable {
  /** Resolves when all have stopped; rejects with the failure of the first that gave up. */
  readonly done: Promise<void>;
  /** Lets running handlers finish, within closeTimeoutMs; idempotent. */
  stop(): Promise<void>;
}
