/** From JSON bodies and query to the requests of the queue face (http-queue.md 1.2 and 1.3). */

import type { ackFields, dequeueFields, enqueueFields, queueFields } from "../../api/queue-wire.ts";
import type {
  AckRequest,
  DequeueRequest,
  EnqueueRequest,
  MessageAddress,
  QueueAddress,
} from "../../api/queues.ts";
import { type Decoded, decodeFields, type FieldKinds } from "../../api/wire.ts";
import type { Exchange } from "../exchange.ts";
import { queueBodyBytesMax } from "../limits.ts";
import { collectText } from "../request-body.ts";

/** The fields of a JSON body; `mayBeEmpty`: no body at all means that nothing is said. */
export async function queueBody<Fields extends FieldKinds>(
  exchange: Exchange,
  fields: Fields,
  manner: { readonly mayBeEmpty: boolean },
): Promise<Decoded<Fields>> {
  const text = await collectText(exchange, queueBodyBytesMax, "invalid_body");
  if (manner.mayBeEmpty && text.trim() === "") return {};
  return decodeFields(text, fields, "invalid_body");
}

/** A text of the body, or of the query when the body says nothing. */
export function orQuery(
  exchange: Exchange,
  name: "namespace" | "queue" | "owner",
  given: string | undefined,
): string | undefined {
  return given === undefined || given.trim() === "" ? exchange.query.get(name) : given;
}

export function addressOf(exchange: Exchange, body: Decoded<typeof queueFields>): QueueAddress {
  return {
    namespace: orQuery(exchange, "namespace", body.namespace),
    queue: orQuery(exchange, "queue", body.queue),
  };
}

export function enqueueRequest(
  exchange: Exchange,
  meta: Decoded<typeof enqueueFields>,
): EnqueueRequest {
  return {
    ...addressOf(exchange, meta),
    delaySeconds: meta.delay_seconds,
    visibilityTimeoutSeconds: meta.visibility_timeout_seconds,
    ttlSeconds: meta.ttl_seconds,
    maxAttempts: meta.max_attempts,
    attributes: meta.attributes,
    payloadContentType: meta.payload_content_type,
    maxDeliveries: meta.max_deliveries,
    priority: meta.priority,
    group: meta.group,
    dedupeKey: meta.dedupe_key,
    dedupeWindowSeconds: meta.dedupe_window_seconds,
    txnId: meta.txn_id,
  };
}

export function dequeueRequest(
  exchange: Exchange,
  body: Decoded<typeof dequeueFields>,
  withState: boolean,
): DequeueRequest {
  return {
    ...addressOf(exchange, body),
    owner: orQuery(exchange, "owner", body.owner),
    txnId: body.txn_id,
    txnBound: body.txn_bound,
    visibilityTimeoutSeconds: body.visibility_timeout_seconds,
    waitSeconds: body.wait_seconds,
    pageSize: body.page_size,
    startAfter: body.start_after,
    withState,
  };
}

/** The queue of a message is named by the body only; its namespace may stand in the query. */
export function messageAddress(
  exchange: Exchange,
  body: Omit<Decoded<typeof ackFields>, "state_etag">,
): MessageAddress {
  return {
    namespace: orQuery(exchange, "namespace", body.namespace),
    queue: body.queue,
    messageId: body.message_id,
    leaseId: body.lease_id,
    fencingToken: body.fencing_token,
    txnId: body.txn_id,
    metaEtag: body.meta_etag,
    stateLeaseId: body.state_lease_id,
    stateFencingToken: body.state_fencing_token,
  };
}

export function ackRequest(exchange: Exchange, body: Decoded<typeof ackFields>): AckRequest {
  return { ...messageAddress(exchange, body), stateEtag: body.state_etag };
}
