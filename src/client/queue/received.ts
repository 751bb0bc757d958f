/** Deliveries and other answers in the form callers of the SDK like. */
import type * as wire from "../../api/queues.ts";
import type {
  DeadLetter,
  EnqueueResult,
  QueueStats,
  QueueSummary,
  QueueWatchEvent,
} from "./queue-types.ts";

function dateOf(unix: number): Date {
  return new Date(unix * 1_000);
}

/** Leaves the member out when there is nothing to say. */
function maybe<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [P in Name]?: Value } {
  return value === undefined || value === "" ? {} : ({ [name]: value } as { [P in Name]?: Value });
}

export function enqueued(result: wire.EnqueueResult): EnqueueResult {
  const { namespace, queue, messageId, attempts, maxAttempts, payloadBytes, duplicate } = result;
  return {
    ...{ namespace, queue, messageId, attempts, maxAttempts, payloadBytes, duplicate },
    notVisibleUntil: dateOf(result.notVisibleUntilUnix),
    visibilityMs: result.visibilityTimeoutSeconds * 1_000,
    ...maybe("correlationId", result.correlationId),
    ...maybe("txnId", result.txnId),
  };
}

export function stats(result: wire.QueueStats): QueueStats {
  const { headEnqueuedAtUnix, headNotVisibleUntilUnix, headAgeSeconds } = result;
  return {
    namespace: result.namespace,
    queue: result.queue,
    waitingConsumers: result.waitingConsumers,
    pendingCandidates: result.pendingCandidates,
    ...maybe("pendingAtLeast", result.pendingAtLeast),
    totalConsumers: result.totalConsumers,
    hasActiveWatcher: result.hasActiveWatcher,
    available: result.available,
    ...maybe("headMessageId", result.headMessageId),
    ...maybe("headEnqueuedAt", mapped(headEnqueuedAtUnix, dateOf)),
    ...maybe("headNotVisibleUntil", mapped(headNotVisibleUntilUnix, dateOf)),
    ...maybe(
      "headAgeMs",
      mapped(headAgeSeconds, (seconds) => seconds * 1_000),
    ),
    ...maybe("correlationId", result.correlationId),
  };
}

export function watched(event: wire.QueueWatchEvent): QueueWatchEvent {
  return {
    namespace: event.namespace,
    queue: event.queue,
    available: event.available,
    ...maybe("headMessageId", event.headMessageId),
    changedAt: dateOf(event.changedAtUnix),
    ...maybe("correlationId", event.correlationId),
  };
}

export function summary(result: wire.QueueSummary): QueueSummary {
  const { namespace, queue, ready, delayed, inFlight, dead, oldestAgeSeconds } = result;
  const oldestAgeMs = mapped(oldestAgeSeconds, (seconds) => seconds * 1_000);
  return {
    ...{ namespace, queue, ready, delayed, inFlight, dead },
    ...maybe("oldestAgeMs", oldestAgeMs),
    ...maybe("atLeast", result.atLeast),
  };
}

export function deadLetter(letter: wire.DeadLetter): DeadLetter {
  return {
    messageId: letter.messageId,
    attempts: letter.attempts,
    failureAttempts: letter.failureAttempts,
    maxAttempts: letter.maxAttempts,
    enqueuedAt: dateOf(letter.enqueuedAtUnix),
    diedAt: dateOf(letter.diedAtUnix),
    attributes: letter.attributes,
    contentType: letter.payloadContentType,
    payloadBytes: letter.payloadBytes,
    ...maybe("correlationId", letter.correlationId),
    ...maybe("lastError", letter.lastError),
  };
}

function mapped<From, To>(value: From | undefined, map: (from: From) => To): To | undefined {
  return value === undefined ? undefined : map(value);
}
