/** The plain table of `lockd top`, and the lines of `lockd watch`. */
import { expect, test } from "vitest";
import type { Overview, OverviewLease } from "../../src/api/observation.ts";
import { changeLine, missedText } from "../../src/cli/change-text.ts";
import { overviewText } from "../../src/cli/overview-text.ts";

const lease: OverviewLease = {
  namespace: "default",
  key: "orders",
  owner: "web-7",
  leaseId: "l",
  txnId: "t",
  fencingToken: 42,
  acquiredAtUnix: 1,
  expiresAtUnix: 2,
  remainingMs: 83_000,
  waiters: 2,
  version: 17,
  staged: true,
};

const overview: Overview = {
  version: "1.0.0",
  mode: "server",
  store: "mem://",
  uptimeMs: 3_700_000,
  draining: false,
  nowUnixMs: 0,
  counts: { keysHeld: 3, keysMatching: 3, staged: 1, liveLeases: 3, waiters: 2 },
  complete: true,
  leases: [lease, { ...lease, key: "k".repeat(60), staged: false, owner: "a\u001b[31m\n" }],
  cursor: "x",
  queues: [
    {
      ...{ namespace: "default", queue: "mail", ready: 5, delayed: 0, inFlight: 12, dead: 1 },
      oldestAgeSeconds: 61,
    },
  ],
  moreQueues: false,
  transactions: [
    {
      txnId: "dc2n19irpqc3go6bsp70",
      state: "commit",
      participants: [
        { namespace: "default", key: "a", backendHash: "", applied: true },
        { namespace: "default", key: "b", backendHash: "", applied: false },
      ],
      ...{ createdAtUnix: 1, updatedAtUnix: 1, expiresAtUnix: 2, tcTerm: 0, inDoubt: true },
    },
  ],
  moreTransactions: false,
  tc: { mode: "local" },
  qrfState: "disengaged",
  trouble: [{ part: "queues", code: "store_unavailable", detail: "busy" }],
};

test("one table: aligned, cut to its columns, and free of control characters", () => {
  expect(overviewText(overview)).toBe(
    [
      "lockd 1.0.0  mem://  up 1h 01m",
      "3 held, 1 staged, 2 waiting",
      "",
      "! queues: store_unavailable: busy",
      `${"KEY".padEnd(44)}  OWNER    TOKEN    LEFT  WAIT  VER`,
      `${"default/orders".padEnd(44)}  web-7       42  1m 23s     2   17  staged`,
      `default/${"k".repeat(35)}~  a?[31m?     42  1m 23s     2   17`,
      "... and 1 more",
      "",
      "QUEUE         READY  DELAYED  IN FLIGHT  DEAD  OLDEST",
      "default/mail      5        0         12     1  1m 01s",
      "",
      "TRANSACTION           STATE   APPLIED",
      "dc2n19irpqc3go6bsp70  commit      1/2  IN DOUBT",
      "",
    ].join("\n"),
  );
});

test("nothing held, and what this process cannot know", () => {
  const counts = {
    ...overview.counts,
    keysHeld: 0,
    keysMatching: 0,
    staged: 0,
    waiters: undefined,
  };
  const rest = { leases: [], queues: [], transactions: [], trouble: [], cursor: undefined };
  const text = overviewText({ ...overview, ...rest, counts, mode: "inline", complete: false });
  expect(text).toBe(
    "lockd 1.0.0  mem://  inline\n0 held at least, 0 staged, waiting known to a server only\n\n" +
      "no key is held\n",
  );
});

test("an event is one line", () => {
  const at = { id: "x.1", atUnixMs: Date.UTC(2026, 0, 2, 12, 3, 4, 123) };
  const key = { namespace: "default", key: "orders" };
  expect(
    changeLine({
      ...at,
      ...key,
      kind: "lease_granted",
      owner: "web-7",
      fencingToken: 42,
      expiresAtUnix: Date.UTC(2026, 0, 2, 12, 3, 34) / 1000,
    }),
  ).toBe("12:03:04.123Z  granted    default/orders  web-7  token 42  until 12:03:34Z");
  expect(changeLine({ ...at, ...key, kind: "state_removed", version: 18, coalesced: true })).toBe(
    "12:03:04.123Z  removed    default/orders  version 18  (newest)",
  );
  expect(
    changeLine({
      ...at,
      namespace: "default",
      ...{ kind: "queue_settled", queue: "mail", messageId: "m1", outcome: "ack" },
    }),
  ).toBe("12:03:04.123Z  settled    default/mail/m1  ack");
});

test("a gap says what it means", () => {
  const at = { id: "x.1", atUnixMs: 0, kind: "missed" as const };
  expect(missedText({ ...at, missed: 12 }, false)).toBe("missed 12 events");
  expect(missedText(at, true)).toMatch(/^events may have been missed; states are told again/);
});
