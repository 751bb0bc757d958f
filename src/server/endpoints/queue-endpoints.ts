/** The queue endpoints of the contract (http-queue.md sections 3, 9 and 12). */
import { setImmediate } from "node:timers/promises";
import type { ServedLockd } from "../../api/lockd.ts";
import {
  ackFields,
  enqueueFields,
  extendFields,
  nackFields,
  queueFields,
} from "../../api/queue-wire.ts";
import type { EnqueueResult, QueueStats, QueueWatchEvent } from "../../api/queues.ts";
import { decodeKnownFields } from "../../api/wire.ts";
import { EventStream } from "../event-stream.ts";
import { ClientGone, type Exchange } from "../exchange.ts";
import { eventKeepAliveMs } from "../limits.ts";
import { boundaryOf, readEnqueueForm } from "../multipart/enqueue-form.ts";
import { bodyChunks } from "../request-body.ts";
import { discardBody } from "../request-chunks.ts";
import type { Routes } from "../route.ts";
import { StreamBroken } from "../stream-broken.ts";
import { dequeueRoute, subscribeRoute } from "./queue-deliveries.ts";
import {
  ackRequest,
  addressOf,
  enqueueRequest,
  messageAddress,
  queueBody,
} from "./queue-requests.ts";

async function enqueue({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const boundary = boundaryOf(exchange.header("content-type"));
  const body = bodyChunks(exchange);
  try {
    const form = await readEnqueueForm(body, boundary);
    const meta = form.meta === undefined ? {} : decodeKnownFields(form.meta, enqueueFields);
    const request = enqueueRequest(exchange, meta);
    const result = await queues.enqueue(request, form.payload, exchange);
    answerEnqueued(exchange, result, meta.dedupe_key !== undefined);
  } finally {
    await body.return?.();
  }
  // What follows the payload is of no interest, but the next request stands behind it.
  discardBody(exchange.request);
}

/** Only those who sent a dedupe key learn of it; others see the contract's members. */
function answerEnqueued(exchange: Exchange, result: EnqueueResult, tellsDuplicate: boolean): void {
  exchange.answeredId = result.correlationId;
  const json = JSON.stringify({
    namespace: result.namespace,
    queue: result.queue,
    message_id: result.messageId,
    attempts: result.attempts,
    max_attempts: result.maxAttempts,
    failure_attempts: result.failureAttempts === 0 ? undefined : result.failureAttempts,
    not_visible_until_unix: result.notVisibleUntilUnix,
    visibility_timeout_seconds: result.visibilityTimeoutSeconds,
    payload_bytes: result.payloadBytes,
    correlation_id: result.correlationId,
    duplicate: tellsDuplicate ? result.duplicate : undefined,
    // Says that the message waits for its transaction: servers that know none enqueue at once.
    txn_id: result.txnId,
  });
  exchange.json(200, `${json}\n`, []);
}

async function ack({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, ackFields, { mayBeEmpty: false });
  const result = await queues.ack(ackRequest(exchange, body), exchange);
  answer(exchange, { acked: true, correlation_id: result.correlationId });
}

async function nack({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, nackFields, { mayBeEmpty: false });
  const request = {
    ...ackRequest(exchange, body),
    delaySeconds: body.delay_seconds,
    intent: body.intent,
    lastError: body.last_error,
  };
  // Who leaves a stream closes it first and then gives back what it did not read: were the nack
  // seen first, the stream would lease the message again for nobody.
  await setImmediate();
  const result = await queues.nack(request, exchange);
  answer(exchange, {
    requeued: true,
    meta_etag: result.metaEtag,
    correlation_id: result.correlationId,
  });
}

async function extend({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, extendFields, { mayBeEmpty: false });
  const request = {
    ...messageAddress(exchange, body),
    extendBySeconds: body.extend_by_seconds,
  };
  const result = await queues.extend(request, exchange);
  answer(exchange, {
    lease_expires_at_unix: result.leaseExpiresAtUnix,
    visibility_timeout_seconds: result.visibilityTimeoutSeconds,
    meta_etag: result.metaEtag,
    state_lease_expires_at_unix: result.stateLeaseExpiresAtUnix,
    correlation_id: result.correlationId,
  });
}

/** Answers JSON under the correlation id it carries. */
function answer<Body extends { readonly correlation_id: string }>(
  exchange: Exchange,
  body: Body,
): void {
  exchange.answeredId = body.correlation_id;
  exchange.json(200, `${JSON.stringify(body)}\n`, []);
}

async function stats({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, queueFields, { mayBeEmpty: true });
  const result = await queues.stats(addressOf(exchange, body), exchange);
  exchange.json(200, `${JSON.stringify(statsJson(result))}\n`, []);
}

function statsJson(result: QueueStats) {
  return {
    namespace: result.namespace,
    queue: result.queue,
    waiting_consumers: result.waitingConsumers,
    pending_candidates: result.pendingCandidates,
    pending_at_least: result.pendingAtLeast,
    total_consumers: result.totalConsumers,
    has_active_watcher: result.hasActiveWatcher,
    available: result.available,
    head_message_id: result.headMessageId,
    head_enqueued_at_unix: result.headEnqueuedAtUnix,
    head_not_visible_until_unix: result.headNotVisibleUntilUnix,
    head_age_seconds: result.headAgeSeconds === 0 ? undefined : result.headAgeSeconds,
    correlation_id: result.correlationId,
  };
}

async function watch({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, queueFields, { mayBeEmpty: true });
  const changes = await queues.watch(addressOf(exchange, body), exchange.endless);
  if (exchange.response.destroyed) return;
  const events = new EventStream(exchange, "queue_watch", eventKeepAliveMs);
  try {
    for await (const change of changes) await events.send(watchJson(change));
  } catch (error) {
    // There is no error answer behind the head: the stream just ends (9.1).
    throw error instanceof ClientGone ? error : new StreamBroken(error);
  } finally {
    events.end();
  }
}

function watchJson(event: QueueWatchEvent) {
  return {
    namespace: event.namespace,
    queue: event.queue,
    available: event.available,
    head_message_id: event.headMessageId,
    changed_at_unix: event.changedAtUnix,
    correlation_id: event.correlationId,
  };
}

export const queueRoutes: Routes = {
  "/v1/queue/enqueue": { operation: "queue.enqueue", run: enqueue },
  "/v1/queue/dequeue": dequeueRoute(false),
  "/v1/queue/dequeueWithState": dequeueRoute(true),
  "/v1/queue/subscribe": subscribeRoute(false),
  "/v1/queue/subscribeWithState": subscribeRoute(true),
  "/v1/queue/watch": { operation: "queue.watch", run: watch },
  "/v1/queue/stats": { operation: "queue.stats", run: stats },
  "/v1/queue/ack": { operation: "queue.ack", run: ack },
  "/v1/queue/nack": { operation: "queue.nack", run: nack },
  "/v1/queue/extend": { operation: "queue.extend", run: extend },
};
