/** Enqueue: the payload, then the record that makes it a message (http-queue.md section 3). */

import type { BodyIn, LockdCall } from "../../api/lockd.ts";
import type { EnqueueRequest, EnqueueResult } from "../../api/queues.ts";
import { instantMsMax } from "../limits.ts";
import { messageEnqueued } from "../observe/message-changes.ts";
import { type CheckedEnqueue, checkEnqueue } from "./checked-enqueue.ts";
import { correlationOf } from "./checked-queue.ts";
import type { DedupeRecord } from "./link-records.ts";
import type { Enqueued } from "./links.ts";
import { LoneWrite } from "./lone-write.ts";
import { type Message, type Payload, payloadName } from "./message.ts";
import type { MessageAt } from "./message-shell.ts";
import { takeInPayload } from "./payload-intake.ts";
import type { QueueParts } from "./queue-parts.ts";
import { dueMsOf, stagedMessage } from "./staged.ts";
import { Stager } from "./stager.ts";

export class Enqueuer {
  readonly #parts: QueueParts;
  readonly #alone: LoneWrite;
  readonly #stager: Stager;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#alone = new LoneWrite(parts);
    this.#stager = new Stager(parts, this.#alone);
  }

  async enqueue(raw: EnqueueRequest, body: BodyIn, call: LockdCall): Promise<EnqueueResult> {
    const { options, ids, directory, messages, garbage } = this.#parts;
    const request = checkEnqueue(raw, options.defaultNamespace);
    const { target, txnId } = request;
    const members = txnId === undefined ? [] : await this.#stager.members(txnId, target);
    const at: MessageAt = { ...target, messageId: ids.next(members.at(-1)) };
    const payload = await takeInPayload({
      body,
      contentType: request.contentType,
      objectName: payloadName(at, at.messageId),
      store: options.store,
      // Only a stream can be waited for; asking for the signal costs the carrier an object.
      signal: body instanceof Uint8Array ? undefined : call.signal,
    });
    const message = this.#messageOf(request, payload, call.correlationId);
    let keepsPayload = false;
    try {
      const enqueued = await this.#write(at, message, members);
      if (enqueued.kind === "duplicate") return this.#duplicateOf(request, enqueued.of);
      keepsPayload = true;
      const { etag, tag } = enqueued;
      if (tag !== undefined) messages.created(at, { message: enqueued.message, etag }, tag);
      if (message.staged === undefined) {
        this.#parts.publish(() => messageEnqueued(at, options.clock.wallMs()));
        directory.changed(at, enqueued.message);
      }
      if (request.dedupe !== undefined) this.#parts.expiredKeys.entered(target);
      return this.#answer(at, message);
    } catch (error) {
      // After an unknown outcome the record may point at it; the sweeper knows in time.
      keepsPayload = (error as { outcomeUnknown?: unknown }).outcomeUnknown === true;
      if (keepsPayload) directory.peek(at)?.doubt();
      throw error;
    } finally {
      if (payload.place.kind === "object" && !keepsPayload) garbage.discard([payload.place.name]);
    }
  }

  #messageOf(request: CheckedEnqueue, payload: Payload, correlation?: string): Message {
    const { random, clock } = this.#parts.options;
    const nowMs = clock.wallMs();
    const { dedupe, ttlMs, delayMs, txnId } = request;
    const message: Message = {
      enqueuedAtMs: nowMs,
      correlationId: correlationOf(correlation, () => random.uuid()),
      payload,
      attributes: request.attributes,
      maxAttempts: request.maxAttempts,
      maxDeliveries: request.maxDeliveries,
      priority: request.priority,
      defaultVisibilitySeconds: request.visibilitySeconds,
      expiresAtMs: ttlMs === undefined ? undefined : Math.min(nowMs + ttlMs, instantMsMax),
      dedupe:
        dedupe === undefined ? undefined : { key: dedupe.key, untilMs: nowMs + dedupe.windowMs },
      group: request.group,
      previous: undefined,
      unlinked: false,
      attempts: 0,
      failureAttempts: 0,
      fencingToken: 0,
      notVisibleUntilMs: Math.min(nowMs + delayMs, instantMsMax),
      visibilitySeconds: 0,
      lastError: undefined,
      lease: undefined,
      stateEtag: undefined,
      staged: undefined,
      committedBy: undefined,
      diedAtMs: undefined,
    };
    if (txnId === undefined) return message;
    const dedupeWindowMs = dedupe?.windowMs ?? 0;
    return stagedMessage(message, { txnId, delayMs, ttlMs: ttlMs ?? 0, dedupeWindowMs });
  }

  #write(at: MessageAt, message: Message, members: readonly string[]): Promise<Enqueued> {
    if (message.staged !== undefined) return this.#stager.stage(at, message, members);
    const hasLinks = message.group !== undefined || message.dedupe !== undefined;
    return hasLinks ? this.#parts.links.enqueue(at, message) : this.#alone.write(at, message);
  }

  #answer(at: MessageAt, message: Message): EnqueueResult {
    return {
      namespace: at.namespace,
      queue: at.queue,
      messageId: at.messageId,
      attempts: 0,
      maxAttempts: message.maxAttempts,
      failureAttempts: 0,
      notVisibleUntilUnix: Math.floor(dueMsOf(message) / 1000),
      visibilityTimeoutSeconds: this.#visibility(message.defaultVisibilitySeconds),
      payloadBytes: message.payload.size,
      correlationId: message.correlationId,
      duplicate: false,
      ...(message.staged === undefined ? {} : { txnId: message.staged.txnId }),
    };
  }

  #duplicateOf({ target, txnId }: CheckedEnqueue, first: DedupeRecord): EnqueueResult {
    return {
      namespace: target.namespace,
      queue: target.queue,
      messageId: first.messageId,
      attempts: 0,
      maxAttempts: first.maxAttempts,
      failureAttempts: 0,
      notVisibleUntilUnix: Math.floor(first.notVisibleUntilMs / 1000),
      visibilityTimeoutSeconds: this.#visibility(first.visibilitySeconds),
      payloadBytes: first.payloadBytes,
      correlationId: first.correlationId,
      duplicate: true,
      ...(txnId === undefined ? {} : { txnId }),
    };
  }

  #visibility(chosen: number | undefined): number {
    return chosen ?? this.#parts.options.defaultTtlSeconds;
  }
}
