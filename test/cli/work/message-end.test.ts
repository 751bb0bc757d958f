import { describe, expect, test } from "vitest";
import type { Delivery } from "../../../src/api/queues.ts";
import { type CommandEnd, messageEnd } from "../../../src/cli/work/message-end.ts";
import { workEnvironment } from "../../../src/cli/work/work-environment.ts";
import { workTerms } from "../../../src/cli/work/work-plan.ts";

describe("what becomes of a message", () => {
  const ended = (given: Partial<CommandEnd>): CommandEnd => ({
    ...{ exitCode: 0, stopped: undefined, calledOff: false },
    ...given,
  });

  test.each<[Partial<CommandEnd>, string]>([
    [{ exitCode: 0 }, "ack"],
    [{ exitCode: 75 }, "defer"],
    [{ exitCode: 1 }, "fail"],
    [{ exitCode: 137 }, "fail"],
    [{ exitCode: undefined }, "give_back"],
    [{ exitCode: 0, calledOff: true }, "give_back"],
    [{ exitCode: 143, calledOff: true }, "give_back"],
    [{ exitCode: 137, stopped: "renewal_overdue" }, "give_back"],
    [{ exitCode: 143, stopped: "unguarded" }, "give_back"],
    [{ exitCode: 0, stopped: "lease_lost" }, "leave"],
  ])("%j: %s", (given, kind) => {
    expect(messageEnd(ended(given)).kind).toBe(kind);
  });

  test("a failure tells the exit status", () => {
    expect(messageEnd(ended({ exitCode: 4 }))).toEqual({ kind: "fail", reason: "exit status 4" });
  });
});

describe("the environment of a command", () => {
  const delivery: Delivery = {
    ...{ namespace: "shop", queue: "jobs", messageId: "m-1", correlationId: "c" },
    ...{ attempts: 2, maxAttempts: 5, failureAttempts: 1, attributes: { a: 1 } },
    ...{ notVisibleUntilUnix: 0, visibilityTimeoutSeconds: 30 },
    ...{ payloadContentType: "text/plain", payloadBytes: 0, payload: new Uint8Array(0) },
    ...{ leaseId: "lease", leaseExpiresAtUnix: 30, fencingToken: 7 },
    ...{ txnId: "txn", metaEtag: "e1", state: undefined },
  };
  const mode = { kind: "server", endpoints: "http://h:1", source: "" } as const;
  const env = {
    ...{ PATH: "/bin", LOCKD_RUN_LEASES: "outer", LOCKD_CLIENT_KEY: "of-the-outer-run" },
    ...{ LOCKD_QUEUE_STATE_LEASE: "of-another-message" },
  };

  test("names the delivery and nothing of an outer run or an earlier message", () => {
    const made = workEnvironment(delivery, "/tmp/p", { mode, env });
    expect(made).toMatchObject({
      ...{ PATH: "/bin", LOCKD_RUN_LEASES: "outer:lease", LOCKD_CLIENT_SERVER: "http://h:1" },
      ...{ LOCKD_QUEUE_NAME: "jobs", LOCKD_QUEUE_MESSAGE_ID: "m-1", LOCKD_QUEUE_LEASE: "lease" },
      ...{ LOCKD_QUEUE_FENCING_TOKEN: "7", LOCKD_QUEUE_PAYLOAD_PATH: "/tmp/p" },
      ...{ LOCKD_QUEUE_ATTEMPTS: "2", LOCKD_QUEUE_ATTRIBUTES: '{"a":1}' },
    });
    expect(made).not.toHaveProperty("LOCKD_CLIENT_KEY");
    expect(made).not.toHaveProperty("LOCKD_QUEUE_STATE_LEASE");
  });

  test("with a state lockd get and update are about that", () => {
    const state = { etag: "s", leaseId: "sl", leaseExpiresAtUnix: 30, fencingToken: 3, txnId: "x" };
    const made = workEnvironment({ ...delivery, state }, "/tmp/p", { mode, env });
    expect(made).toMatchObject({
      ...{ LOCKD_CLIENT_KEY: "q/jobs/state/m-1", LOCKD_CLIENT_LEASE: "sl" },
      ...{ LOCKD_CLIENT_FENCING_TOKEN: "3", LOCKD_CLIENT_TXN_ID: "x" },
      ...{ LOCKD_QUEUE_STATE_LEASE: "sl", LOCKD_QUEUE_STATE_FENCING_TOKEN: "3" },
    });
  });
});

describe("the flags of work", () => {
  test("without any: one command at a time, for ever", () => {
    expect(workTerms({})).toMatchObject({
      plan: { concurrency: 1, max: Infinity, idleExitMs: Infinity, closeTimeoutMs: 5_000 },
      maxDeliveries: Infinity,
      nackDelaySeconds: undefined,
    });
  });

  test("durations and numbers are read, wrong ones refused", () => {
    const flags = { concurrency: "4", max: "9", "idle-exit": "0", "close-timeout": "1m" };
    expect(workTerms({ ...flags, "nack-delay": "1500ms" })).toMatchObject({
      plan: { concurrency: 4, max: 9, idleExitMs: 0, closeTimeoutMs: 60_000 },
      nackDelaySeconds: 2,
    });
    expect(() => workTerms({ concurrency: "0" })).toThrow(/--concurrency "0"/);
    expect(() => workTerms({ concurrency: "999" })).toThrow(/256 at most/);
    expect(() => workTerms({ max: "0" })).toThrow(/--max/);
    expect(() => workTerms({ "idle-exit": "soon" })).toThrow(/--idle-exit "soon"/);
  });
});
