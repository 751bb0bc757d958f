/** ack, nack, extend, stats, watch and the extensions over HTTP (http-queue.md 9 and 12). */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { failure } from "../../src/api/errors.ts";
import type { QueueWatchEvent } from "../../src/api/queues.ts";
import {
  longPayload,
  type ScriptedQueueServer,
  startScriptedQueues,
} from "../support/scripted-queues.ts";
import { dechunked, headerIn, post } from "./raw-chunks.ts";
import { call, RawConnection } from "./raw-http.ts";

let server: ScriptedQueueServer;
beforeAll(async () => {
  server = await startScriptedQueues();
});
afterAll(() => server.stop());

function send(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return call(`${server.url}${path}`, { body: text, headers });
}

const address = {
  namespace: "n",
  queue: "q",
  message_id: "m",
  lease_id: "l",
  fencing_token: 3,
  txn_id: "t",
  meta_etag: "e",
  state_lease_id: "sl",
  state_fencing_token: 4,
};
const asked = {
  namespace: "n",
  queue: "q",
  messageId: "m",
  leaseId: "l",
  fencingToken: 3,
  txnId: "t",
  metaEtag: "e",
  stateLeaseId: "sl",
  stateFencingToken: 4,
};

describe("settling", () => {
  test("60: each call arrives whole and answers under the message's id", async () => {
    const seen: unknown[] = [];
    const correlationId = "stored";
    server.script({
      ack: async (request) => {
        seen.push(request);
        return { acked: true, correlationId };
      },
      nack: async (request) => {
        seen.push(request);
        return { requeued: true, metaEtag: "e2", correlationId };
      },
      extend: async (request) => {
        seen.push(request);
        return {
          leaseExpiresAtUnix: 7,
          visibilityTimeoutSeconds: 8,
          metaEtag: "e3",
          stateLeaseExpiresAtUnix: undefined,
          correlationId,
        };
      },
    });
    const own = { "x-correlation-id": "mine" };
    const last_error = { rate: 1.5, why: ["x"] };
    const ack = await send("/v1/queue/ack", { ...address, state_etag: "se" }, own);
    const nack = await send(
      "/v1/queue/nack",
      { ...address, state_etag: "se", delay_seconds: 5, intent: "failure", last_error },
      own,
    );
    const extend = await send("/v1/queue/extend", { ...address, extend_by_seconds: 9 }, own);
    expect(seen).toEqual([
      { ...asked, stateEtag: "se" },
      { ...asked, stateEtag: "se", delaySeconds: 5, intent: "failure", lastError: last_error },
      { ...asked, extendBySeconds: 9 },
    ]);
    const correlation_id = "stored";
    expect(ack.json).toEqual({ acked: true, correlation_id });
    expect(nack.json).toEqual({ requeued: true, meta_etag: "e2", correlation_id });
    expect(extend.json).toEqual({
      lease_expires_at_unix: 7,
      visibility_timeout_seconds: 8,
      meta_etag: "e3",
      correlation_id,
    });
    for (const answer of [ack, nack, extend]) {
      expect(answer.headers["x-correlation-id"]).toBe("stored");
      expect(answer.text.endsWith("\n")).toBe(true);
    }
  });

  test("errors: the message's id once it is known, else the request's; empty bodies", async () => {
    server.script({
      ack: async ({ messageId }) => {
        const details = messageId === "known" ? { correlationId: "stored" } : {};
        throw failure("queue_message_lease_mismatch", "lease mismatch", details);
      },
    });
    const own = { "x-correlation-id": "mine" };
    const known = await send("/v1/queue/ack", { ...address, message_id: "known" }, own);
    const unknown = await send("/v1/queue/ack", address, own);
    expect([known.status, known.headers["x-correlation-id"]]).toEqual([409, "stored"]);
    expect(unknown.headers["x-correlation-id"]).toBe("mine");
    for (const verb of ["ack", "nack", "extend"]) {
      const empty = await send(`/v1/queue/${verb}`, "");
      expect([empty.status, empty.json.error]).toEqual([400, "invalid_body"]);
      const two = await send(`/v1/queue/${verb}`, "{}{}");
      expect([two.status, two.json.error]).toEqual([400, "invalid_body"]);
    }
  });
});

const snapshot: QueueWatchEvent = {
  namespace: "n",
  queue: "q",
  available: false,
  headMessageId: undefined,
  changedAtUnix: 5,
  correlationId: "mine",
};

describe("stats and watch", () => {
  test("stats leave out what is empty", async () => {
    const empty = {
      namespace: "n",
      queue: "q",
      waitingConsumers: 0,
      pendingCandidates: 0,
      totalConsumers: 0,
      hasActiveWatcher: false,
      available: false,
      headMessageId: undefined,
      headEnqueuedAtUnix: undefined,
      headNotVisibleUntilUnix: undefined,
      headAgeSeconds: undefined,
      correlationId: "mine",
    };
    server.script({ stats: async () => empty });
    expect((await send("/v1/queue/stats?queue=q", "")).json).toEqual({
      namespace: "n",
      queue: "q",
      waiting_consumers: 0,
      pending_candidates: 0,
      total_consumers: 0,
      has_active_watcher: false,
      available: false,
      correlation_id: "mine",
    });
  });

  test("38, 39: head before any event, events to the byte, an orderly end", async () => {
    let next = (_event: QueueWatchEvent | undefined): void => {};
    server.script({
      watch: async () =>
        (async function* () {
          for (;;) {
            const event = await new Promise<QueueWatchEvent | undefined>((resolve) => {
              next = resolve;
            });
            if (event === undefined) return;
            yield event;
          }
        })(),
    });
    const connection = new RawConnection(server.url);
    connection.say(post("/v1/queue/watch", '{"queue":"q"}', ["X-Correlation-Id: mine"]));
    const { head } = dechunked(await connection.until(/\r\n\r\n/));
    expect(headerIn(head, "Content-Type")).toBe("text/event-stream");
    expect(headerIn(head, "Cache-Control")).toBe("no-cache");
    expect(headerIn(head, "X-Accel-Buffering")).toBe("no");
    expect(headerIn(head, "Connection")).toBe("keep-alive");
    expect(headerIn(head, "X-Correlation-Id")).toBe("mine");
    next(snapshot);
    await connection.until(/id: 1\n/);
    next({ ...snapshot, available: true, headMessageId: "m" });
    await connection.until(/id: 2\n/);
    next(undefined);
    const { body } = dechunked(await connection.until(/\r\n0\r\n\r\n$/));
    expect(body).toBe(
      'id: 1\nevent: queue_watch\ndata: {"namespace":"n","queue":"q","available":false,' +
        '"changed_at_unix":5,"correlation_id":"mine"}\n\n' +
        'id: 2\nevent: queue_watch\ndata: {"namespace":"n","queue":"q","available":true,' +
        '"head_message_id":"m","changed_at_unix":5,"correlation_id":"mine"}\n\n',
    );
    connection.socket.destroy();
  });

  test("41: a sign of life every 20 s", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      server.script({
        watch: async (_request, asking) =>
          (async function* () {
            yield snapshot;
            await new Promise((resolve) => asking?.signal?.addEventListener("abort", resolve));
          })(),
      });
      const connection = new RawConnection(server.url);
      connection.say(post("/v1/queue/watch", '{"queue":"q"}'));
      await connection.until(/id: 1\n/);
      vi.advanceTimersByTime(19_999);
      vi.advanceTimersByTime(1);
      await connection.until(/: keepalive\n\n/);
      expect(connection.heard.split(": keepalive\n\n")).toHaveLength(2);
      connection.socket.destroy();
    } finally {
      vi.useRealTimers();
    }
  });

  test("44: what is refused is refused in JSON; what fails later just ends", async () => {
    server.script({
      watch: async () => {
        throw failure("invalid_queue", "bad name");
      },
    });
    const refused = await send("/v1/queue/watch", { queue: "a/b" });
    expect([refused.status, refused.json.error]).toEqual([400, "invalid_queue"]);
    server.script({
      watch: async () =>
        (async function* () {
          yield snapshot;
          throw new Error("the disk is gone");
        })(),
    });
    const connection = new RawConnection(server.url);
    connection.say(post("/v1/queue/watch", '{"queue":"q"}'));
    expect(await connection.until(/\r\n0\r\n\r\n$/)).not.toContain("internal_error");
    connection.socket.destroy();
  });
});

describe("extensions", () => {
  const letter = {
    messageId: "m",
    attempts: 3,
    failureAttempts: 2,
    maxAttempts: 2,
    enqueuedAtUnix: 1,
    diedAtUnix: 2,
    attributes: { a: 1 },
    payloadContentType: "text/plain",
    payloadBytes: 100_000,
    correlationId: "stored",
    lastError: { reason: "max_attempts_exceeded" },
  };
  const broken = { messageId: "b", detail: "checksum mismatch" };

  test("list, dead letters, redrive, purge", async () => {
    const seen: unknown[] = [];
    const summary = { namespace: "n", queue: "q", ready: 1, delayed: 2, inFlight: 3, dead: 4 };
    server.script({
      list: async (request) => {
        seen.push(request);
        return {
          queues: [{ ...summary, oldestAgeSeconds: undefined, atLeast: ["dead"] }],
          cursor: "c",
        };
      },
      deadLetters: async (request) => {
        seen.push(request);
        return { letters: [letter], damaged: [broken], cursor: undefined };
      },
      redrive: async (request) => {
        seen.push(request);
        return { changed: 1, damaged: [broken], more: false };
      },
      purge: async () => ({ changed: 1000, damaged: [], more: true }),
    });
    const all = await send("/v1/x/queue/list", { namespace: "n", cursor: "b", limit: 5 });
    expect(all.json).toEqual({
      queues: [
        {
          namespace: "n",
          queue: "q",
          ready: 1,
          delayed: 2,
          in_flight: 3,
          dead: 4,
          at_least: ["dead"],
        },
      ],
      cursor: "c",
    });
    const dead = await send("/v1/x/queue/dlq/list?namespace=n&queue=q", "");
    expect(dead.json).toEqual({
      letters: [
        {
          message_id: "m",
          attempts: 3,
          failure_attempts: 2,
          max_attempts: 2,
          enqueued_at_unix: 1,
          died_at_unix: 2,
          attributes: { a: 1 },
          payload_content_type: "text/plain",
          payload_bytes: 100_000,
          correlation_id: "stored",
          last_error: { reason: "max_attempts_exceeded" },
        },
      ],
      damaged: [{ message_id: "b", detail: "checksum mismatch" }],
    });
    const redriven = await send("/v1/x/queue/dlq/redrive", { queue: "q", message_id: "m" });
    expect(redriven.json).toEqual({
      changed: 1,
      damaged: [{ message_id: "b", detail: "checksum mismatch" }],
      more: false,
    });
    const purged = await send("/v1/x/queue/dlq/purge", { queue: "q", all: true, limit: 1000 });
    expect(purged.json).toEqual({ changed: 1000, damaged: [], more: true });
    expect(seen).toMatchObject([
      { namespace: "n", cursor: "b", limit: 5 },
      { namespace: "n", queue: "q" },
      { queue: "q", messageId: "m", all: undefined },
    ]);
  });

  test("one dead letter with its payload", async () => {
    server.script({ deadLetter: async () => ({ letter, payload: longPayload(100_000) }) });
    const body = { queue: "q", message_id: "m" };
    const answer = await send("/v1/x/queue/dlq/show", body);
    expect(answer.headers["x-correlation-id"]).toBe("stored");
    expect(answer.text).toContain('{"letter":{"message_id":"m"');
    expect(answer.text).toContain(`\r\n\r\n${"\0".repeat(100_000)}\r\n--`);
    expect(answer.text).toMatch(/--\r\n$/);
  });
});
