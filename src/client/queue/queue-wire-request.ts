/** The wire form of the queue verbs (http-queue.md). Values are sent as given, unchecked. */

import type { BodyIn, Decimal } from "../../api/lockd.ts";
import type {
  AckRequest,
  DeadLetterSelection,
  DequeueRequest,
  EnqueueRequest,
  ExtendRequest,
  MessageAddress,
  NackRequest,
} from "../../api/queues.ts";
import type { WireCall } from "../failover.ts";
import { collectedPayloadBytesMax, jsonAnswerBytesMax } from "../limits.ts";
import { OutgoingBody } from "../outgoing-body.ts";
import { jsonBytes } from "../wire-request.ts";
import { enqueueBody } from "./enqueue-body.ts";

/**
 * A call with a JSON body. The contract sets no limit for queue calls but stats; the caller's own
 * holds.
 */
export function queueCall(verb: string, body: unknown, details: Partial<WireCall> = {}): WireCall {
  const outgoing = new OutgoingBody(jsonBytes(body));
  return {
    operation: verb,
    method: "POST",
    path: `/v1/queue/${verb}`,
    headers: ["content-type", "application/json", "content-length", String(outgoing.size)],
    body: outgoing,
    repeatable: true,
    changes: true,
    tryLimitMs: undefined,
    collectBytesMax: jsonAnswerBytesMax,
    mayStream: false,
    ...details,
  };
}

/** An extension of ours. */
export function extensionCall(
  verb: string,
  body: unknown,
  details: Partial<WireCall> = {},
): WireCall {
  return queueCall(verb, body, { path: `/v1/x/queue/${verb}`, ...details });
}

/** Repeated only under a dedupe key, which makes a second try find the first one's message. */
export function enqueueCall(request: EnqueueRequest, payload: BodyIn): WireCall {
  const { contentType, body } = enqueueBody(request, payload);
  const outgoing = new OutgoingBody(body);
  const headers = ["content-type", contentType];
  if (outgoing.size !== undefined) headers.push("content-length", String(outgoing.size));
  return queueCall("enqueue", {}, { headers, body: outgoing, repeatable: false });
}

/** A call whose answer is deliveries, or one dead letter. */
export const streamedAnswer = { collectBytesMax: collectedPayloadBytesMax, mayStream: true };

export function dequeueJson(request: DequeueRequest) {
  return {
    namespace: request.namespace,
    queue: request.queue,
    owner: request.owner,
    txn_id: request.txnId,
    txn_bound: request.txnBound,
    visibility_timeout_seconds: request.visibilityTimeoutSeconds,
    wait_seconds: request.waitSeconds,
    page_size: request.pageSize,
    start_after: request.startAfter,
  };
}

function messageJson(address: MessageAddress) {
  return {
    namespace: address.namespace,
    queue: address.queue,
    message_id: address.messageId,
    lease_id: address.leaseId,
    fencing_token: asNumber(address.fencingToken),
    txn_id: address.txnId,
    meta_etag: address.metaEtag,
    state_lease_id: address.stateLeaseId,
    state_fencing_token: asNumber(address.stateFencingToken),
  };
}

/** Decimal text becomes the number that the wire wants; what is no number is left to the server. */
function asNumber(value: Decimal | undefined): unknown {
  return typeof value === "string" && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
}

export function ackJson(request: AckRequest) {
  return { ...messageJson(request), state_etag: request.stateEtag };
}

export function nackJson(request: NackRequest) {
  return {
    ...ackJson(request),
    delay_seconds: request.delaySeconds,
    intent: request.intent,
    last_error: request.lastError,
  };
}

export function extendJson(request: ExtendRequest) {
  return { ...messageJson(request), extend_by_seconds: request.extendBySeconds };
}

export function selectionJson(request: DeadLetterSelection) {
  const { namespace, queue, messageId, all, limit, cursor } = request;
  return { namespace, queue, message_id: messageId, all, limit, cursor };
}
