/** Enqueue: the payload, then the record that makes it a message (http-queue.md section 3). */

import { failure, type LockdError } from "../../api/errors.ts";
import type { BodyIn, LockdCall } from "../../api/lockd.ts";
import type { EnqueueRequest, EnqueueResult } from "../../api/queues.ts";
import {
  casAttemptsMax,
  instantMsMax,
  unknownOutcomeReadDelayMs,
  unknownOutcomeReadsMax,
} from "../limits.ts";
import { messageEnqueued } from "../observe/message-changes.ts";
import { callStore } from "../store-failure.ts";
import { type CheckedEnqueue, checkEnqueue } from "./checked-enqueue.ts";
import { correlationOf } from "./checked-queue.ts";
import { describeMessage } from "./fence.ts";
import type { DedupeRecord } from "./link-records.ts";
import type { Enqueued } from "./links.ts";
import { type Message, messageName, type Payload, payloadName } from "./message.ts";
import { encodeMessage } from "./message-codec.ts";
import type { MessageAt } from "./message-shell.ts";
import { takeInPayload } from "./payload-intake.ts";
import type { QueueParts } from "./queue-parts.ts";

export class Enqueuer {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  async enqueue(raw: EnqueueRequest, body: BodyIn, call: LockdCall): Promise<EnqueueResult> {
    const { options, ids, directory, messages, garbage } = this.#parts;
    const request = checkEnqueue(raw, options.defaultNamespace);
    const at: MessageAt = { ...request.target, messageId: ids.next() };
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
      const enqueued = await this.#write(at, message);
      if (enqueued.kind === "duplicate") return this.#duplicateOf(request, enqueued.of);
      keepsPayload = true;
      const { etag, tag } = enqueued;
      if (tag !== undefined) messages.created(at, { message: enqueued.message, etag }, tag);
      this.#parts.publish(() => messageEnqueued(at, options.clock.wallMs()));
      directory.changed(at, enqueued.message);
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
    const { dedupe, ttlMs, delayMs } = request;
    return {
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
      diedAtMs: undefined,
    };
  }

  #write(at: MessageAt, message: Message): Promise<Enqueued> {
    const hasLinks = message.group !== undefined || message.dedupe !== undefined;
    return hasLinks ? this.#parts.links.enqueue(at, message) : this.#writeAlone(at, message);
  }

  /**
   * One create-only write. After an unknown outcome it is never repeated: the message may have been
   * delivered and settled by now, and must not come again.
   */
  async #writeAlone(at: MessageAt, message: Message): Promise<Enqueued> {
    const { store, random } = this.#parts.options;
    const name = messageName(at, at.messageId);
    const etag = random.xid();
    const step = {
      kind: "put" as const,
      name,
      bytes: encodeMessage(message, etag),
      when: { kind: "absent" as const },
    };
    for (let attempt = 0; attempt < casAttemptsMax; attempt += 1) {
      const result = await callStore(() => store.apply([step]));
      if (result.kind === "applied") return { kind: "new", message, etag, tag: result.tags[0] };
      if (result.kind === "unknown") return this.#findOut(at);
      // Nobody else uses this name: the store only said that it was busy with it.
    }
    throw failure("store_unavailable", `${describeMessage(at)}: the store does not take it`);
  }

  /** Nobody else makes a record of this name: if it is there, it is ours. */
  async #findOut(at: MessageAt): Promise<Enqueued> {
    for (let read = 0; read < unknownOutcomeReadsMax; read += 1) {
      const stored = await this.#parts.messages.look(at).catch((error: unknown) => {
        throw this.#unknown(at, error);
      });
      if (stored !== undefined) {
        return { kind: "new", message: stored.message, etag: stored.etag, tag: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#parts.options.clock.schedule(unknownOutcomeReadDelayMs * 2 ** read, resolve);
      });
    }
    throw this.#unknown(at, undefined);
  }

  #unknown(at: MessageAt, cause: unknown): LockdError {
    const detail = `${describeMessage(at)}: the outcome of a write could not be found out`;
    return failure("store_unavailable", detail, { outcomeUnknown: true, cause });
  }

  #answer(at: MessageAt, message: Message): EnqueueResult {
    return {
      namespace: at.namespace,
      queue: at.queue,
      messageId: at.messageId,
      attempts: 0,
      maxAttempts: message.maxAttempts,
      failureAttempts: 0,
      notVisibleUntilUnix: Math.floor(message.notVisibleUntilMs / 1000),
      visibilityTimeoutSeconds: this.#visibility(message.defaultVisibilitySeconds),
      payloadBytes: message.payload.size,
      correlationId: message.correlationId,
      duplicate: false,
    };
  }

  #duplicateOf({ target }: CheckedEnqueue, first: DedupeRecord): EnqueueResult {
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
    };
  }

  #visibility(chosen: number | undefined): number {
    return chosen ?? this.#parts.options.defaultTtlSeconds;
  }
}
