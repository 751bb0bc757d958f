/** How long a message is surely ours, and what its requests say. */
import { beforeEach, describe, expect, test } from "vitest";
import { failure } from "../../../src/api/errors.ts";
import type { Delivery, ExtendRequest, MessageAddress } from "../../../src/api/queues.ts";
import { LeaseClock } from "../../../src/cli/run/lease-clock.ts";
import { HeldMessage, type MessageParts } from "../../../src/cli/work/held-message.ts";

let nowMs: number;
let wallMs: number;
let sent: MessageAddress[];

beforeEach(() => {
  nowMs = 1_000_000;
  wallMs = 5_000_000;
  sent = [];
});

function deliveryOf(seconds: number): Delivery {
  return {
    ...{ namespace: "default", queue: "jobs", messageId: "m", correlationId: "c" },
    ...{ attempts: 1, maxAttempts: 5, failureAttempts: 0, attributes: {} },
    ...{ notVisibleUntilUnix: 0, visibilityTimeoutSeconds: seconds },
    ...{ payloadContentType: "text/plain", payloadBytes: 0, payload: new Uint8Array(0) },
    ...{ leaseId: "l", leaseExpiresAtUnix: wallMs / 1000 + seconds, fencingToken: 1 },
    ...{ txnId: "t", metaEtag: "e1", state: undefined },
  };
}

/** Each extension is answered 100 ms later with the next etag. */
function partsOf(given: Partial<MessageParts> = {}): MessageParts {
  const note = (request: MessageAddress): void => void sent.push(request);
  return {
    queues: {
      extend: async (request: ExtendRequest) => {
        note(request);
        nowMs += 100;
        const seconds = request.extendBySeconds ?? 0;
        return {
          leaseExpiresAtUnix: Math.floor(wallMs / 1000) + seconds,
          visibilityTimeoutSeconds: seconds,
          metaEtag: `e${sent.length + 1}`,
          stateLeaseExpiresAtUnix: undefined,
          correlationId: "c",
        };
      },
      ack: async (request) => {
        note(request);
        return { acked: true, correlationId: "c" };
      },
      nack: async (request) => {
        note(request);
        return { requeued: true, metaEtag: "e9", correlationId: "c" };
      },
    },
    clock: new LeaseClock({ steadyMs: () => nowMs, bootMs: undefined }),
    wallMs: () => wallMs,
    sharedWall: () => false,
    termGraceMs: undefined,
    ...given,
  };
}

const soon = (): AbortSignal => new AbortController().signal;

describe("taking", () => {
  test("a message that came at once counts from before it was asked for", async () => {
    const held = await HeldMessage.taken(partsOf(), deliveryOf(30), nowMs - 200);
    expect(sent).toEqual([]);
    expect(held.hold).toEqual({ sentAt: nowMs - 200, sureUntil: nowMs - 200 + 28_400 });
  });

  test("after a long wait it is extended first, and counts from then", async () => {
    const before = nowMs;
    const held = await HeldMessage.taken(partsOf(), deliveryOf(30), nowMs - 20_000);
    expect(sent).toMatchObject([{ extendBySeconds: 30, metaEtag: "e1", leaseId: "l" }]);
    expect(held.hold.sentAt).toBe(before);
  });

  test("one that is ours too shortly to stop a command in time is extended", async () => {
    const held = await HeldMessage.taken(partsOf(), deliveryOf(1), nowMs);
    expect(sent).toMatchObject([{ extendBySeconds: 3 }]);
    expect(held.hold.sureUntil).toBe(held.hold.sentAt + 1_940);
  });

  test("where this machine's wall clock judges, its end counts when it is earlier", async () => {
    const delivery = { ...deliveryOf(30), leaseExpiresAtUnix: wallMs / 1000 + 7 };
    const shared = await HeldMessage.taken(partsOf({ sharedWall: () => true }), delivery, nowMs);
    expect(shared.hold.sureUntil).toBe(nowMs + 7_000);
    const served = await HeldMessage.taken(partsOf(), delivery, nowMs);
    expect(served.hold.sureUntil).toBe(nowMs + 28_400);
  });

  test("a server that grants less than was asked for is believed", async () => {
    const parts = partsOf();
    const held = await HeldMessage.taken(parts, deliveryOf(30), nowMs);
    const { extend } = parts.queues;
    parts.queues.extend = async (request, call) => ({
      ...(await extend(request, call)),
      visibilityTimeoutSeconds: 10,
    });
    const hold = await held.renew({ sentAt: nowMs, signal: soon() });
    expect(hold.sureUntil - hold.sentAt).toBe(8_800);
  });
});

describe("settling", () => {
  test("a nack names the newest etag, an ack none: the fence alone proves it", async () => {
    const held = await HeldMessage.taken(partsOf(), deliveryOf(30), nowMs);
    await held.renew({ sentAt: nowMs, signal: soon() });
    await held.fail("exit status 3", 5);
    await held.ack();
    expect(sent.slice(1)).toMatchObject([
      {
        metaEtag: "e2",
        intent: "failure",
        lastError: { detail: "exit status 3" },
        delaySeconds: 5,
      },
      { metaEtag: undefined, leaseId: "l", fencingToken: 1 },
    ]);
  });

  test("gone for good is what the fence refuses; a stale etag or no answer is not", async () => {
    const held = await HeldMessage.taken(partsOf(), deliveryOf(30), nowMs);
    expect(held.isLost(failure("queue_message_lease_mismatch", ""))).toBe(true);
    expect(held.isLost(failure("lease_expired", ""))).toBe(true);
    expect(held.isLost(failure("not_found", ""))).toBe(true);
    expect(held.isLost(failure("cas_mismatch", ""))).toBe(false);
    expect(held.isLost(new Error("no route"))).toBe(false);
  });
});

test("nothing is settled while an extension is under way", async () => {
  const answer = Promise.withResolvers<void>();
  const parts = partsOf();
  const { extend } = parts.queues;
  const waiting: MessageParts["queues"] = {
    ...parts.queues,
    extend: async (request) => {
      await answer.promise;
      return extend(request);
    },
  };
  const held = await HeldMessage.taken({ ...parts, queues: waiting }, deliveryOf(30), nowMs);
  const renewing = held.renew({ sentAt: nowMs, signal: soon() });
  let isSettled = false;
  const settling = held.settled().then(() => {
    isSettled = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isSettled).toBe(false);
  answer.resolve();
  await Promise.all([renewing, settling]);
  await held.fail("x", undefined);
  expect(sent.at(-1)?.metaEtag).toBe("e2");
});
