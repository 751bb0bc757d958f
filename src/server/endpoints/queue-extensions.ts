/** Extensions: all queues, and what to do with dead letters (`/v1/x/queue/*`, docs/http.md). */
import type { ServedLockd } from "../../api/lockd.ts";
import {
  deadLetterFields,
  deadLetterListFields,
  deadLetterSelectionFields,
  queueListFields,
} from "../../api/queue-wire.ts";
import type {
  DamagedLetter,
  DeadLetter,
  DeadLetterChange,
  QueueSummary,
} from "../../api/queues.ts";
import type { Exchange } from "../exchange.ts";
import { DeliveryWriter } from "../multipart/delivery-writer.ts";
import type { Routes } from "../route.ts";
import { addressOf, orQuery, queueBody } from "./queue-requests.ts";

async function list({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, queueListFields, { mayBeEmpty: true });
  const namespace = orQuery(exchange, "namespace", body.namespace);
  const queue = orQuery(exchange, "queue", body.queue);
  const { cursor, limit } = body;
  const result = await queues.list({ namespace, queue, cursor, limit }, exchange);
  send(exchange, { queues: result.queues.map(summaryJson), cursor: result.cursor });
}

function summaryJson(summary: QueueSummary) {
  return {
    namespace: summary.namespace,
    queue: summary.queue,
    ready: summary.ready,
    delayed: summary.delayed,
    in_flight: summary.inFlight,
    dead: summary.dead,
    oldest_age_seconds: summary.oldestAgeSeconds,
    at_least: summary.atLeast,
  };
}

async function deadLetters({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, deadLetterListFields, { mayBeEmpty: true });
  const { cursor, limit } = body;
  const request = { ...addressOf(exchange, body), cursor, limit };
  const result = await queues.deadLetters(request, exchange);
  const letters = result.letters.map(letterJson);
  send(exchange, { letters, damaged: result.damaged.map(damagedJson), cursor: result.cursor });
}

function damagedJson({ messageId, detail }: DamagedLetter) {
  return { message_id: messageId, detail };
}

function letterJson(letter: DeadLetter) {
  return {
    message_id: letter.messageId,
    attempts: letter.attempts,
    failure_attempts: letter.failureAttempts,
    max_attempts: letter.maxAttempts,
    enqueued_at_unix: letter.enqueuedAtUnix,
    died_at_unix: letter.diedAtUnix,
    attributes: letter.attributes,
    payload_content_type: letter.payloadContentType,
    payload_bytes: letter.payloadBytes,
    correlation_id: letter.correlationId,
    last_error: letter.lastError,
  };
}

/** One letter with its payload, framed as a delivery is. */
async function deadLetter({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  const body = await queueBody(exchange, deadLetterFields, { mayBeEmpty: false });
  const request = { ...addressOf(exchange, body), messageId: body.message_id };
  const { letter, payload } = await queues.deadLetter(request, exchange);
  exchange.answeredId = letter.correlationId;
  const writer = new DeliveryWriter(exchange);
  const meta = `${JSON.stringify({ letter: letterJson(letter) })}\n`;
  const { payloadBytes, payloadContentType } = letter;
  await writer.write({ meta, payload, payloadBytes, payloadContentType });
  writer.end();
}

async function redrive({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  sendChange(exchange, await queues.redrive(await selection(exchange), exchange));
}

async function purge({ queues }: ServedLockd, exchange: Exchange): Promise<void> {
  sendChange(exchange, await queues.purge(await selection(exchange), exchange));
}

async function selection(exchange: Exchange) {
  const body = await queueBody(exchange, deadLetterSelectionFields, { mayBeEmpty: false });
  const { message_id: messageId, all, limit, cursor } = body;
  return { ...addressOf(exchange, body), messageId, all, limit, cursor };
}

function sendChange(exchange: Exchange, change: DeadLetterChange): void {
  const { changed, damaged, more, cursor } = change;
  send(exchange, { changed, damaged: damaged.map(damagedJson), more, cursor });
}

function send(exchange: Exchange, body: object): void {
  exchange.json(200, `${JSON.stringify(body)}\n`, []);
}

export const deadLetterRoutes: Routes = {
  "/v1/x/queue/list": { operation: "queue.list", run: list },
  "/v1/x/queue/dlq/list": { operation: "queue.dlq.list", run: deadLetters },
  "/v1/x/queue/dlq/show": { operation: "queue.dlq.show", run: deadLetter },
  "/v1/x/queue/dlq/redrive": { operation: "queue.dlq.redrive", run: redrive },
  "/v1/x/queue/dlq/purge": { operation: "queue.dlq.purge", run: purge },
};
