/** What servers answer to the queue verbs, checked member by member. */
import { LockdProtocolError } from "../../api/errors.ts";
import type {
  DamagedLetter,
  DeadLetter,
  DeadLetterChange,
  DeadLetterList,
  Delivery,
  EnqueueResult,
  ExtendResult,
  QueueCounted,
  QueueListResult,
  QueueStats,
  QueueSummary,
  QueueWatchEvent,
} from "../../api/queues.ts";
import { headerText } from "../answer-headers.ts";
import { receivedCorrelationId } from "../correlation-id.ts";
import type { EndpointAnswer } from "../failover.ts";
import { JsonAnswer } from "../json-answer.ts";

export function jsonOf(answer: EndpointAnswer): JsonAnswer {
  if (answer.body instanceof Uint8Array) return new JsonAnswer(answer.body);
  throw new LockdProtocolError("protocol", "the answer is a stream where a document was expected");
}

/** The header is what one client relies on; the body repeats it. */
export function correlationOf(answer: EndpointAnswer, json: JsonAnswer): string {
  const header = receivedCorrelationId(headerText(answer.headers, "x-correlation-id"));
  return json.textOr("correlation_id", undefined) ?? header ?? "";
}

export function enqueueResult(answer: EndpointAnswer): EnqueueResult {
  const json = jsonOf(answer);
  return {
    namespace: json.text("namespace"),
    queue: json.text("queue"),
    messageId: json.text("message_id"),
    attempts: json.integerOr("attempts", 0),
    maxAttempts: json.integerOr("max_attempts", 0),
    failureAttempts: json.integerOr("failure_attempts", 0),
    notVisibleUntilUnix: json.integerOr("not_visible_until_unix", 0),
    visibilityTimeoutSeconds: json.integerOr("visibility_timeout_seconds", 0),
    payloadBytes: json.integerOr("payload_bytes", 0),
    correlationId: correlationOf(answer, json),
    duplicate: json.flag("duplicate") ?? false,
    ...(json.textOr("txn_id", "") === "" ? {} : { txnId: json.text("txn_id") }),
  };
}

/** True when the server said whether it knew the dedupe key; old ones say nothing. */
export function knowsDedupe(answer: EndpointAnswer): boolean {
  return jsonOf(answer).flag("duplicate") !== undefined;
}

/** The metadata of a delivery; its payload follows. */
export function deliveryFacts(meta: Uint8Array): Omit<Delivery, "payload"> {
  const message = new JsonAnswer(meta).object("message");
  if (message === undefined) {
    throw new LockdProtocolError("protocol", "a delivery's metadata tell of no message");
  }
  const stateLeaseId = message.textOr("state_lease_id", undefined);
  const txnId = message.textOr("txn_id", "");
  return {
    namespace: message.text("namespace"),
    queue: message.text("queue"),
    messageId: message.text("message_id"),
    attempts: message.integerOr("attempts", 0),
    maxAttempts: message.integerOr("max_attempts", 0),
    failureAttempts: message.integerOr("failure_attempts", 0),
    notVisibleUntilUnix: message.integerOr("not_visible_until_unix", 0),
    visibilityTimeoutSeconds: message.integerOr("visibility_timeout_seconds", 0),
    attributes: message.free("attributes"),
    payloadContentType: message.textOr("payload_content_type", "application/octet-stream"),
    payloadBytes: message.integerOr("payload_bytes", 0),
    correlationId: message.textOr("correlation_id", ""),
    leaseId: message.text("lease_id"),
    leaseExpiresAtUnix: message.integerOr("lease_expires_at_unix", 0),
    fencingToken: message.integer("fencing_token"),
    txnId,
    metaEtag: message.text("meta_etag"),
    state:
      stateLeaseId === undefined
        ? undefined
        : {
            etag: message.textOr("state_etag", ""),
            leaseId: stateLeaseId,
            leaseExpiresAtUnix: message.integerOr("state_lease_expires_at_unix", 0),
            fencingToken: message.integerOr("state_fencing_token", 0),
            txnId: message.textOr("state_txn_id", txnId),
          },
  };
}

export function extendResult(answer: EndpointAnswer): ExtendResult {
  const json = jsonOf(answer);
  return {
    leaseExpiresAtUnix: json.integerOr("lease_expires_at_unix", 0),
    visibilityTimeoutSeconds: json.integerOr("visibility_timeout_seconds", 0),
    metaEtag: json.textOr("meta_etag", ""),
    stateLeaseExpiresAtUnix: json.integerOr("state_lease_expires_at_unix", undefined),
    correlationId: correlationOf(answer, json),
  };
}

export function statsResult(answer: EndpointAnswer): QueueStats {
  const json = jsonOf(answer);
  return {
    namespace: json.text("namespace"),
    queue: json.text("queue"),
    waitingConsumers: json.integerOr("waiting_consumers", 0),
    pendingCandidates: json.integerOr("pending_candidates", 0),
    ...(json.flag("pending_at_least") === true ? { pendingAtLeast: true } : {}),
    totalConsumers: json.integerOr("total_consumers", 0),
    hasActiveWatcher: json.flag("has_active_watcher") ?? false,
    available: json.flag("available") ?? false,
    headMessageId: json.textOr("head_message_id", undefined),
    headEnqueuedAtUnix: json.integerOr("head_enqueued_at_unix", undefined),
    headNotVisibleUntilUnix: json.integerOr("head_not_visible_until_unix", undefined),
    headAgeSeconds: json.integerOr("head_age_seconds", undefined),
    correlationId: correlationOf(answer, json),
  };
}

export function watchEvent(json: JsonAnswer): QueueWatchEvent {
  return {
    namespace: json.text("namespace"),
    queue: json.text("queue"),
    available: json.flag("available") ?? false,
    headMessageId: json.textOr("head_message_id", undefined),
    changedAtUnix: json.integerOr("changed_at_unix", 0),
    correlationId: json.textOr("correlation_id", ""),
  };
}

export function queueList(answer: EndpointAnswer): QueueListResult {
  const json = jsonOf(answer);
  const queues = json.list("queues").map((summary) => ({
    namespace: summary.text("namespace"),
    queue: summary.text("queue"),
    ready: summary.integerOr("ready", 0),
    delayed: summary.integerOr("delayed", 0),
    inFlight: summary.integerOr("in_flight", 0),
    dead: summary.integerOr("dead", 0),
    oldestAgeSeconds: summary.integerOr("oldest_age_seconds", undefined),
    ...atLeastOf(summary),
  }));
  return { queues, cursor: json.textOr("cursor", undefined) };
}

/** Absent where all was counted, and in the answers of servers from before. */
export function atLeastOf(json: JsonAnswer): Pick<QueueSummary, "atLeast"> {
  const atLeast = json
    .texts("at_least")
    .filter((one): one is QueueCounted => one === "messages" || one === "dead");
  return atLeast.length === 0 ? {} : { atLeast };
}

export function deadLetterList(answer: EndpointAnswer): DeadLetterList {
  const json = jsonOf(answer);
  const cursor = json.textOr("cursor", undefined);
  return { letters: json.list("letters").map(letterOf), damaged: damagedIn(json), cursor };
}

/** A server from before told of none: there the whole call failed. */
function damagedIn(json: JsonAnswer): readonly DamagedLetter[] {
  return json.objects("damaged").map((one) => ({
    messageId: one.text("message_id"),
    detail: one.textOr("detail", ""),
  }));
}

/** The metadata of a dead letter whose payload follows. */
export function letterFacts(meta: Uint8Array): DeadLetter {
  const letter = new JsonAnswer(meta).object("letter");
  if (letter !== undefined) return letterOf(letter);
  throw new LockdProtocolError("protocol", "the metadata tell of no dead letter");
}

function letterOf(letter: JsonAnswer): DeadLetter {
  return {
    messageId: letter.text("message_id"),
    attempts: letter.integerOr("attempts", 0),
    failureAttempts: letter.integerOr("failure_attempts", 0),
    maxAttempts: letter.integerOr("max_attempts", 0),
    enqueuedAtUnix: letter.integerOr("enqueued_at_unix", 0),
    diedAtUnix: letter.integerOr("died_at_unix", 0),
    attributes: letter.free("attributes"),
    payloadContentType: letter.textOr("payload_content_type", "application/octet-stream"),
    payloadBytes: letter.integerOr("payload_bytes", 0),
    correlationId: letter.textOr("correlation_id", ""),
    lastError: letter.any("last_error"),
  };
}

export function deadLetterChange(answer: EndpointAnswer): DeadLetterChange {
  const json = jsonOf(answer);
  return {
    changed: json.integer("changed"),
    damaged: damagedIn(json),
    more: json.flag("more") ?? false,
    cursor: json.textOr("cursor", undefined),
  };
}
