import { failure } from "../../api/errors.ts";
import { isXidText } from "../../api/names.ts";
import type { EnqueueRequest } from "../../api/queues.ts";
import {
  attemptsMax,
  attributesBytesMax,
  contentTypeLengthMax,
  dedupeKeyBytesMax,
  dedupeWindowSecondsDefault,
  dedupeWindowSecondsMax,
  groupBytesMax,
  instantMsMax,
  maxAttemptsDefault,
  priorityMax,
} from "../limits.ts";
import { checkQueue, delayMsOf, jsonBytes, wholeSeconds } from "./checked-queue.ts";
import type { QueueId } from "./message.ts";

/** An enqueue after validation; seconds that were not given are undefined. */
export interface CheckedEnqueue {
  readonly target: QueueId;
  /** The transaction whose commit lets it appear. */
  readonly txnId: string | undefined;
  readonly delayMs: number;
  readonly ttlMs: number | undefined;
  readonly visibilitySeconds: number | undefined;
  readonly maxAttempts: number;
  /** 0: no limit. */
  readonly maxDeliveries: number;
  readonly attributes: Readonly<Record<string, unknown>> | undefined;
  readonly contentType: string;
  readonly priority: number;
  readonly group: string | undefined;
  readonly dedupe: { readonly key: string; readonly windowMs: number } | undefined;
}

/**
 * @throws invalid_namespace, missing_queue, invalid_queue, invalid_txn, invalid_body,
 *   invalid_queue_option
 */
export function checkEnqueue(request: EnqueueRequest, defaultNamespace: string): CheckedEnqueue {
  const target = checkQueue(request, defaultNamespace);
  const ttl = wholeSeconds(request.ttlSeconds, "ttl_seconds");
  const visibility = wholeSeconds(request.visibilityTimeoutSeconds, "visibility_timeout_seconds");
  const maxAttempts = wholeSeconds(request.maxAttempts, "max_attempts");
  const maxDeliveries = wholeSeconds(request.maxDeliveries, "max_deliveries");
  return {
    target,
    txnId: checkTxn(request.txnId),
    delayMs: delayMsOf(wholeSeconds(request.delaySeconds, "delay_seconds")),
    ttlMs: ttl <= 0 ? undefined : Math.min(ttl * 1000, instantMsMax),
    visibilitySeconds: visibility <= 0 ? undefined : visibility,
    maxAttempts: maxAttempts <= 0 ? maxAttemptsDefault : Math.min(maxAttempts, attemptsMax),
    maxDeliveries: Math.min(Math.max(0, maxDeliveries), attemptsMax),
    attributes: checkAttributes(request.attributes),
    contentType: checkContentType(request.payloadContentType),
    priority: checkPriority(request.priority),
    group: checkName(request.group, groupBytesMax, "group"),
    dedupe: checkDedupe(request),
  };
}

function checkTxn(raw: string | undefined): string | undefined {
  const txnId = raw?.trim() ?? "";
  if (txnId === "") return undefined;
  if (isXidText(txnId)) return txnId;
  throw failure("invalid_txn", `"${txnId.slice(0, 40)}" is not an xid`);
}

function option(name: string, rule: string): Error {
  return failure("invalid_queue_option", `${name}: ${rule}`);
}

function checkAttributes(
  attributes: EnqueueRequest["attributes"] | null,
): CheckedEnqueue["attributes"] {
  if (attributes === undefined || attributes === null) return undefined;
  if (typeof attributes !== "object" || Array.isArray(attributes)) {
    throw failure("invalid_body", "attributes must be a JSON object");
  }
  if (Object.keys(attributes).length === 0) return undefined;
  if (jsonBytes(attributes) > attributesBytesMax) {
    throw failure(
      "invalid_body",
      `the attributes are longer than ${attributesBytesMax} bytes of JSON; use the payload`,
    );
  }
  return attributes;
}

function checkContentType(raw: string | undefined): string {
  const text = raw?.trim() ?? "";
  if (text === "") return "application/octet-stream";
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) {
      throw failure("invalid_body", "payload_content_type has control characters");
    }
  }
  if (Buffer.byteLength(text) > contentTypeLengthMax) {
    throw failure("invalid_body", `payload_content_type is longer than ${contentTypeLengthMax}`);
  }
  return text;
}

function checkPriority(raw: number | undefined): number {
  const priority = raw ?? 0;
  if (!Number.isInteger(priority) || Math.abs(priority) > priorityMax) {
    throw option("priority", `must be a whole number from -${priorityMax} to ${priorityMax}`);
  }
  return priority;
}

function checkName(raw: string | undefined, bytesMax: number, what: string): string | undefined {
  const text = raw?.trim() ?? "";
  if (text === "") return undefined;
  if (Buffer.byteLength(text) > bytesMax) throw option(what, `at most ${bytesMax} bytes`);
  return text;
}

function checkDedupe(request: EnqueueRequest): CheckedEnqueue["dedupe"] {
  const key = checkName(request.dedupeKey, dedupeKeyBytesMax, "dedupe_key");
  if (key === undefined) return undefined;
  const seconds = wholeSeconds(request.dedupeWindowSeconds, "dedupe_window_seconds");
  if (seconds > dedupeWindowSecondsMax) {
    throw option("dedupe_window_seconds", `at most ${dedupeWindowSecondsMax} (7 days)`);
  }
  return { key, windowMs: (seconds <= 0 ? dedupeWindowSecondsDefault : seconds) * 1000 };
}
