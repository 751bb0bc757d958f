/** Codes of queues. */
import {
  conflict,
  type ErrorEntry,
  exitCodes,
  local,
  notFound,
  rejected,
  unavailable,
} from "./error-entry.ts";

export const queueErrors = {
  missing_queue: rejected("no queue was given", "name the queue"),
  invalid_queue: rejected(
    "the queue name is malformed",
    "use 1 to 128 of a-z 0-9 . _ - not only dots",
  ),
  invalid_queue_key: rejected(
    "the message id is malformed",
    "pass the message_id exactly as the delivery gave it",
  ),
  missing_fields: rejected(
    "a field that identifies the delivery is missing",
    "pass queue, message_id, lease_id and meta_etag as the delivery gave them",
  ),
  invalid_content_type: rejected(
    "the body of enqueue is not multipart",
    'send multipart/related with the parts "meta" and "payload"',
  ),
  multipart_error: rejected(
    "the multipart body has no boundary, is malformed or breaks off",
    "send whole parts with CRLF delimiters",
  ),
  invalid_nack_intent: rejected("the nack intent is unknown", "use failure or defer"),
  invalid_nack_last_error: rejected(
    "a deferred message takes no last_error",
    "leave last_error out, or use the intent failure",
  ),
  queue_message_lease_mismatch: {
    status: 409,
    exit: exitCodes.leaseLost,
    retryable: false,
    meaning: "the message is no longer, or never was, in the caller's hands",
    next: "stop working on it: it was or will be delivered again",
  },
  lease_conflict: conflict(
    "the message's lease changed while it was extended",
    "extend again with the newest meta_etag",
  ),
  queue_busy: unavailable(
    503,
    "as many consumers wait at this server as may wait at once",
    "try again, use another server, or raise queue-max-consumers",
  ),
  queue_disabled: {
    status: 501,
    exit: exitCodes.error,
    retryable: false,
    meaning: "this server keeps no queues",
    next: "use a server that does",
  },
  invalid_queue_option: rejected(
    "an option of an extension of the queue is out of its bounds",
    "see docs/queues.md for the bounds of priority, group, dedupe and max_deliveries",
  ),
  message_settled: local(
    exitCodes.error,
    "the message was already settled another way",
    "settle each message once",
  ),
  message_not_found: notFound(
    "there is no such dead letter",
    "list them with `lockd queue dlq ls QUEUE`",
  ),
} as const satisfies Record<string, ErrorEntry>;
