/**
 * Turns what callers of queues send into what the engine works with, checking in the order of
 * http-queue.md section 1.6, so that every carrier reports the same mistake first.
 */
import { parseDecimal } from "../../api/decimals.ts";
import { failure } from "../../api/errors.ts";
import { acceptedCorrelationId, isXidText, normalizeNamespace } from "../../api/names.ts";
import type {
  AckRequest,
  DequeueRequest,
  ExtendRequest,
  MessageAddress,
  NackRequest,
  QueueAddress,
} from "../../api/queues.ts";
import { deliveryPageMax, instantMsMax, lastErrorBytesMax, ownerLengthMax } from "../limits.ts";
import type { DeliveryClaim } from "./fence.ts";
import type { QueueId, QueueName } from "./message.ts";
import { isMessageId } from "./message-ids.ts";

const queuePattern = /^[a-z0-9._-]{1,128}$/;
const componentPattern = /^[A-Za-z0-9._-]+$/;

function present(raw: string | undefined): string {
  return raw === undefined ? "" : raw.trim();
}

function queueName(text: string): QueueName {
  const name = text.toLowerCase();
  if (!queuePattern.test(name) || name === "." || name === "..") {
    const shown = text.slice(0, 80).replace(/[^\x20-\x7e]/g, "?");
    throw failure("invalid_queue", `queue "${shown}" must be 1 to 128 of a-z 0-9 . _ -`);
  }
  return name as QueueName;
}

/** Namespace and queue, normalised once. @throws invalid_namespace, missing_queue, invalid_queue */
export function checkQueue(request: QueueAddress, defaultNamespace: string): QueueId {
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const text = present(request.queue);
  if (text === "") throw failure("missing_queue", "no queue given");
  return { namespace, queue: queueName(text) };
}

/** A whole number of seconds; absent and null count as 0. @throws invalid_body */
export function wholeSeconds(raw: number | undefined, what: string): number {
  if (raw === undefined) return 0;
  if (!Number.isInteger(raw)) throw failure("invalid_body", `${what} must be a whole number`);
  return raw;
}

/** Milliseconds of a delay in seconds: never negative, and never past what can be counted. */
export function delayMsOf(seconds: number): number {
  return Math.min(Math.max(0, seconds) * 1000, instantMsMax);
}

export interface CheckedDequeue extends QueueId {
  readonly owner: string;
  /** "" when the consumer named none. */
  readonly txnId: string;
  /** Its transaction may not lose what is delivered. */
  readonly txnBound: boolean;
  readonly visibilitySeconds: number;
  /** Undefined: for ever; 0: not at all. */
  readonly waitSeconds: number | undefined;
  readonly pageSize: number;
  readonly withState: boolean;
}

/** @throws what checkQueue does, missing_owner, invalid_txn, invalid_body */
export function checkDequeue(request: DequeueRequest, defaultNamespace: string): CheckedDequeue {
  const target = checkQueue(request, defaultNamespace);
  const owner = present(request.owner);
  if (owner === "") throw failure("missing_owner", "no owner given");
  if (owner.length > ownerLengthMax) {
    throw failure("invalid_body", `the owner is longer than ${ownerLengthMax} characters`);
  }
  const txnId = present(request.txnId);
  if (txnId !== "" && !isXidText(txnId)) {
    throw failure("invalid_txn", `"${txnId.slice(0, 40)}" is not an xid`);
  }
  const wait = wholeSeconds(request.waitSeconds, "wait_seconds");
  const page = wholeSeconds(request.pageSize, "page_size");
  return {
    ...target,
    owner,
    txnId,
    txnBound: request.txnBound === true,
    visibilitySeconds: wholeSeconds(request.visibilityTimeoutSeconds, "visibility_timeout_seconds"),
    waitSeconds: wait === 0 ? undefined : Math.max(0, wait),
    pageSize: Math.min(page <= 0 ? 1 : page, deliveryPageMax),
    withState: request.withState === true,
  };
}

export interface CheckedSettle {
  readonly claim: DeliveryClaim;
  /** "" when not given, as the following. */
  readonly metaEtag: string;
  readonly stateEtag: string;
  readonly stateLeaseId: string;
  readonly stateFencingToken: number;
}

/** @throws invalid_namespace, missing_fields, invalid_queue, invalid_queue_key */
function checkSettle(
  request: MessageAddress & { readonly stateEtag?: string | undefined },
  defaultNamespace: string,
  needsMetaEtag: boolean,
): CheckedSettle {
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const fields = {
    queue: present(request.queue),
    message_id: present(request.messageId),
    lease_id: present(request.leaseId),
    ...(needsMetaEtag ? { meta_etag: present(request.metaEtag) } : {}),
  };
  const missing = Object.entries(fields).flatMap(([name, text]) => (text === "" ? [name] : []));
  if (missing.length > 0) throw failure("missing_fields", `missing: ${missing.join(", ")}`);
  const txnId = present(request.txnId);
  const claim: DeliveryClaim = {
    namespace,
    queue: queueName(fields.queue),
    messageId: checkMessageId(fields.message_id),
    leaseId: fields.lease_id,
    fencingToken: tokenOf(request.fencingToken, "the fencing token"),
    txnId: txnId === "" ? undefined : txnId,
  };
  return {
    claim,
    metaEtag: present(request.metaEtag),
    stateEtag: present(request.stateEtag),
    stateLeaseId: present(request.stateLeaseId),
    stateFencingToken: tokenOf(request.stateFencingToken, "the state's fencing token"),
  };
}

function tokenOf(raw: MessageAddress["fencingToken"], what: string): number {
  return parseDecimal(raw, "invalid_body", what) ?? 0;
}

/**
 * A message id as a client sent it. Whatever is no UUIDv7 cannot exist, but is not malformed.
 * @throws invalid_queue_key
 */
export function checkMessageId(text: string): string {
  if (!componentPattern.test(text) || text === "." || text === "..") {
    throw failure("invalid_queue_key", `"${text.slice(0, 60)}" is not a message id`);
  }
  return text;
}

/** An id no message ever had is the id of no message. @throws not_found */
export function refuseForeignId({ claim }: CheckedSettle): void {
  if (isMessageId(claim.messageId)) return;
  throw failure("not_found", `${claim.namespace}/${claim.queue} has no such message`);
}

export function checkAck(request: AckRequest, defaultNamespace: string): CheckedSettle {
  return checkSettle(request, defaultNamespace, false);
}

export interface CheckedNack extends CheckedSettle {
  readonly delayMs: number;
  readonly intent: "failure" | "defer";
  readonly lastError: unknown;
}

/** @throws what ack does, invalid_nack_intent, invalid_nack_last_error */
export function checkNack(request: NackRequest, defaultNamespace: string): CheckedNack {
  const settle = checkSettle(request, defaultNamespace, true);
  const intent = present(request.intent).toLowerCase();
  if (intent !== "" && intent !== "failure" && intent !== "defer") {
    throw failure("invalid_nack_intent", `the intent "${intent.slice(0, 40)}" is unknown`);
  }
  const lastError = request.lastError ?? undefined;
  if (intent === "defer" && lastError !== undefined) {
    throw failure("invalid_nack_last_error", "a deferred message takes no last_error");
  }
  if (lastError !== undefined && jsonBytes(lastError) > lastErrorBytesMax) {
    throw failure("invalid_body", `last_error is longer than ${lastErrorBytesMax} bytes of JSON`);
  }
  return {
    ...settle,
    delayMs: delayMsOf(wholeSeconds(request.delaySeconds, "delay_seconds")),
    intent: intent === "defer" ? "defer" : "failure",
    lastError,
  };
}

/**
 * Length of a value as JSON; what has none counts as nothing. What is nested too deep to be written
 * is longer than any limit here: each level takes two bytes at least.
 */
export function jsonBytes(value: unknown): number {
  try {
    const text: string | undefined = JSON.stringify(value);
    return text === undefined ? 0 : Buffer.byteLength(text);
  } catch (error) {
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

export interface CheckedExtend extends CheckedSettle {
  readonly extendBySeconds: number;
}

export function checkExtend(request: ExtendRequest, defaultNamespace: string): CheckedExtend {
  const settle = checkSettle(request, defaultNamespace, true);
  const seconds = wholeSeconds(request.extendBySeconds, "extend_by_seconds");
  return { ...settle, extendBySeconds: seconds };
}

/** The correlation id of a call that has none of its own to answer with. */
export function correlationOf(raw: string | undefined, fresh: () => string): string {
  return acceptedCorrelationId(raw) ?? fresh();
}
