/** What the queue commands print. */
import { describe, expect, test } from "vitest";
import { apiErrorOf, failure, LockdTransportError } from "../../../src/api/errors.ts";
import type { Delivery } from "../../../src/api/queues.ts";
import {
  deliveryJson,
  deliveryLines,
  settledLines,
} from "../../../src/cli/queue/delivery-output.ts";
import { reasonText } from "../../../src/cli/queue/letter-text.ts";
import { isPassing, reconnectPauseMs } from "../../../src/cli/queue/reconnect.ts";
import { columns } from "../../../src/cli/queue/table-text.ts";

const delivery: Delivery = {
  ...{ namespace: "shop", queue: "jobs", messageId: "m", correlationId: "c" },
  ...{ attempts: 1, maxAttempts: 5, failureAttempts: 0, attributes: {} },
  ...{ notVisibleUntilUnix: 30, visibilityTimeoutSeconds: 30 },
  ...{ payloadContentType: "text/plain", payloadBytes: 2, payload: new Uint8Array(2) },
  ...{ leaseId: "l", leaseExpiresAtUnix: 30, fencingToken: 7 },
  ...{ txnId: "t", metaEtag: "e", state: undefined },
};
const state = { etag: "s", leaseId: "sl", leaseExpiresAtUnix: 30, fencingToken: 3, txnId: "t" };

describe("a delivery", () => {
  test("exports in the order of the contract; without a state an earlier one is taken back", () => {
    expect(deliveryLines(delivery, "/tmp/it's").split("\n")).toEqual([
      'export LOCKD_QUEUE_NAMESPACE="shop"',
      'export LOCKD_QUEUE_NAME="jobs"',
      'export LOCKD_QUEUE_MESSAGE_ID="m"',
      'export LOCKD_QUEUE_LEASE="l"',
      'export LOCKD_QUEUE_FENCING_TOKEN="7"',
      'export LOCKD_QUEUE_META_ETAG="e"',
      "export LOCKD_QUEUE_PAYLOAD_PATH='/tmp/it'\\''s'",
      'export LOCKD_QUEUE_TXN_ID="t"',
      "unset LOCKD_QUEUE_STATE_LEASE",
      "unset LOCKD_QUEUE_STATE_FENCING_TOKEN",
      "unset LOCKD_QUEUE_STATE_ETAG",
      "",
    ]);
  });

  test("with a state that is exported; ack takes all of it back", () => {
    const lines = deliveryLines({ ...delivery, state }, "/p");
    expect(lines).toContain('export LOCKD_QUEUE_STATE_FENCING_TOKEN="3"');
    expect(lines).not.toContain("unset");
    const exported = [...lines.matchAll(/export ([A-Z_]+)=/g)].map(([, name]) => `unset ${name}`);
    expect(settledLines().split("\n")).toEqual(expect.arrayContaining(exported));
  });

  test("as JSON has the fields of the contract, those of a state only with one", () => {
    const json = JSON.parse(JSON.stringify(deliveryJson(delivery, "/p")));
    expect(Object.keys(json)).toEqual([
      ...["namespace", "queue", "message_id", "attempts", "failure_attempts", "max_attempts"],
      ...["visibility_timeout_secs", "not_visible_until_unix", "lease_id"],
      ...["lease_expires_at_unix", "fencing_token", "meta_etag", "cursor", "payload_path"],
      ...["payload_content_type", "payload_bytes", "txn_id", "correlation_id"],
    ]);
    expect(deliveryJson({ ...delivery, state }, "/p")).toMatchObject({
      ...{ state_lease_id: "sl", state_fencing_token: 3, state_etag: "s" },
      state_lease_expires_at_unix: 30,
    });
  });
});

test("the reason of a dead letter is found in what was left of it", () => {
  const previous = { detail: "exit status 3" };
  expect(reasonText({ reason: "max_attempts", previous })).toBe("max_attempts: exit status 3");
  expect(reasonText({ reason: "max_deliveries" })).toBe("max_deliveries");
  expect(reasonText({ message: "boom\n  at x" })).toBe("boom at x");
  expect(reasonText({ odd: 1 })).toBe('{"odd":1}');
  expect(reasonText(undefined)).toBe("-");
});

test("columns are as wide as their widest cell", () => {
  expect(
    columns([
      ["A", "LONG"],
      ["bbb", "x"],
    ]),
  ).toBe("A    LONG\nbbb  x\n");
});

describe("going on after a failure", () => {
  test("servers that are away or full pass; refusals do not", () => {
    expect(isPassing(new LockdTransportError("transport", "reset"))).toBe(true);
    expect(isPassing(failure("queue_busy", ""))).toBe(true);
    expect(isPassing(failure("throttled", ""))).toBe(true);
    const forbidden = apiErrorOf("namespace_forbidden", "", { status: 403 });
    expect(isPassing(forbidden)).toBe(false);
    for (const code of ["invalid_queue", "queue_disabled"] as const) {
      expect(isPassing(failure(code, ""))).toBe(false);
    }
    expect(isPassing(new Error("a bug"))).toBe(false);
  });

  test("pauses double up to 30 s, and are as long as the server asks", () => {
    expect([0, 1, 2, 30].map((failures) => reconnectPauseMs(failures))).toEqual([
      ...[250, 500, 1_000, 30_000],
    ]);
    expect(reconnectPauseMs(0, failure("queue_busy", "", { retryAfterMs: 5_000 }))).toBe(5_000);
  });
});
