/** The bytes of deliveries in a `multipart/related` answer (http-queue.md section 6.2). */
import { randomUUID } from "node:crypto";
import type { Delivery } from "../../api/queues.ts";

/** A boundary of an answer of its own: 32 hex digits, 122 random bits. */
export function newBoundary(): string {
  return randomUUID().replaceAll("-", "");
}

/** JSON of the meta part. Never more members: one client refuses more than 4096 bytes (6.2). */
export function deliveryMeta(delivery: Delivery): string {
  const { state } = delivery;
  return `${JSON.stringify({
    message: {
      namespace: delivery.namespace,
      queue: delivery.queue,
      message_id: delivery.messageId,
      attempts: delivery.attempts,
      max_attempts: delivery.maxAttempts,
      failure_attempts: delivery.failureAttempts === 0 ? undefined : delivery.failureAttempts,
      not_visible_until_unix: delivery.notVisibleUntilUnix,
      visibility_timeout_seconds: delivery.visibilityTimeoutSeconds,
      attributes: isEmpty(delivery.attributes) ? undefined : delivery.attributes,
      payload_content_type: delivery.payloadContentType,
      payload_bytes: delivery.payloadBytes,
      correlation_id: delivery.correlationId,
      lease_id: delivery.leaseId,
      lease_expires_at_unix: delivery.leaseExpiresAtUnix,
      fencing_token: delivery.fencingToken,
      txn_id: delivery.txnId,
      meta_etag: delivery.metaEtag,
      state_etag: state?.etag,
      state_lease_id: state?.leaseId,
      state_lease_expires_at_unix: state?.leaseExpiresAtUnix,
      state_fencing_token: state?.fencingToken,
      state_txn_id: state?.txnId,
    },
  })}\n`;
}

/** What of a payload its part's headers tell. */
export interface PayloadHead {
  readonly payloadBytes: number;
  readonly payloadContentType: string;
}

/**
 * Everything between a delimiter and the payload's first byte. `meta` is JSON text; `index` names
 * the files of a batch, streams and single deliveries have none.
 */
export function partHeads(parts: {
  readonly boundary: string;
  readonly meta: string;
  readonly payload: PayloadHead;
  readonly index?: number | undefined;
}): string {
  const { boundary, meta, payload, index } = parts;
  const metaFile = index === undefined ? "" : `; filename="meta-${index}.json"`;
  const payloadFile = index === undefined ? "" : `; filename="payload-${index}"`;
  return (
    `\r\nContent-Disposition: form-data; name="meta"${metaFile}\r\n` +
    `Content-Type: application/json\r\n\r\n${meta}\r\n--${boundary}\r\n` +
    `Content-Disposition: form-data; name="payload"${payloadFile}\r\n` +
    `Content-Length: ${payload.payloadBytes}\r\n` +
    `Content-Type: ${payload.payloadContentType}\r\n\r\n`
  );
}

function isEmpty(attributes: Readonly<Record<string, unknown>>): boolean {
  for (const _name in attributes) return false;
  return true;
}
