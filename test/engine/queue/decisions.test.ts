/** What a transaction's decision does to a message that takes part in it (http-queue.md 13.3). */
import { describe, expect, test } from "vitest";
import type { Namespace } from "../../../src/api/names.ts";
import type { Message, QueueName, StoredMessage } from "../../../src/engine/queue/message.ts";
import { applyDecision } from "../../../src/engine/queue/settle.ts";

const nowMs = 1_700_000_000_000;
const ours = "00000000000000000010";
const others = "00000000000000000020";

const base: Message = {
  enqueuedAtMs: nowMs - 5_000,
  correlationId: "c",
  payload: { size: 0, contentType: "text/plain", place: { kind: "inline", bytes: Buffer.of() } },
  attributes: undefined,
  maxAttempts: 5,
  maxDeliveries: 0,
  priority: 0,
  defaultVisibilitySeconds: undefined,
  expiresAtMs: undefined,
  dedupe: undefined,
  group: undefined,
  previous: undefined,
  unlinked: false,
  attempts: 1,
  failureAttempts: 0,
  fencingToken: 1,
  notVisibleUntilMs: nowMs + 10_000,
  visibilitySeconds: 10,
  lastError: undefined,
  lease: undefined,
  stateEtag: undefined,
  staged: undefined,
  committedBy: undefined,
  diedAtMs: undefined,
};

function stored(lease: { txnId: string; leftMs: number } | undefined): StoredMessage {
  if (lease === undefined) return { etag: "e", message: base };
  const expiresAtUnix = (nowMs + lease.leftMs) / 1000;
  const { txnId } = lease;
  return {
    etag: "e",
    message: {
      ...base,
      notVisibleUntilMs: expiresAtUnix * 1000,
      lease: { id: "l", owner: "w", txnId, explicit: true, fencingToken: 1, expiresAtUnix },
    },
  };
}

function decide(outcome: "commit" | "rollback", current: StoredMessage | undefined) {
  const at = {
    namespace: "default" as Namespace,
    queue: "jobs" as QueueName,
    messageId: "00000000-0000-7000-8000-000000000001",
  };
  const { settled, decision } = applyDecision(current, { ...at, txnId: ours, outcome }, nowMs);
  if (decision.kind === "refuse") return { settled, kind: decision.error.code };
  return { settled, kind: decision.kind };
}

const running = stored({ txnId: ours, leftMs: 10_000 });
const lapsed = stored({ txnId: ours, leftMs: 0 });
const taken = stored({ txnId: others, leftMs: 10_000 });
const mismatch = { settled: false, kind: "queue_message_lease_mismatch" };

describe("a transaction's decision", () => {
  test("commit deletes what the transaction holds, and nothing else", () => {
    expect(decide("commit", running)).toEqual({ settled: true, kind: "delete" });
    expect(decide("commit", lapsed)).toEqual(mismatch);
    expect(decide("commit", taken)).toEqual(mismatch);
    expect(decide("commit", stored(undefined))).toEqual(mismatch);
  });

  test("rollback puts it back, also late, but never takes it from somebody else", () => {
    expect(decide("rollback", running)).toEqual({ settled: true, kind: "put" });
    expect(decide("rollback", lapsed)).toEqual({ settled: true, kind: "put" });
    expect(decide("rollback", taken)).toEqual(mismatch);
    expect(decide("rollback", stored(undefined))).toEqual({ settled: true, kind: "keep" });
  });

  test("what is gone is settled either way", () => {
    expect(decide("commit", undefined)).toEqual({ settled: true, kind: "not_found" });
    expect(decide("rollback", undefined)).toEqual({ settled: true, kind: "not_found" });
  });

  test("a rolled back message is visible at once, with its reason and no failure", () => {
    const at = { namespace: "n" as Namespace, queue: "q" as QueueName, messageId: "m" };
    const request = { ...at, txnId: ours, outcome: "rollback" as const };
    const { decision } = applyDecision(running, request, nowMs);
    if (decision.kind !== "put") throw new Error("not put back");
    expect(decision.next).toMatchObject({
      lease: undefined,
      notVisibleUntilMs: nowMs,
      failureAttempts: 0,
      lastError: { reason: "txn_rollback" },
      fencingToken: 1,
      visibilitySeconds: 10,
    });
  });
});
