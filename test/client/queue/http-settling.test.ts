/** ack, nack, extend, watch and the extensions over HTTP, as the client sees them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LockdApiError } from "../../../src/api/errors.ts";
import { HttpLockd } from "../../../src/client/http-lockd.ts";
import { type ScriptedQueueServer, startScriptedQueues } from "../../support/scripted-queues.ts";
import { cut, failed, type Step } from "../../support/scripted-server.ts";
import { carrier, failureOf, serve } from "../http-fixture.ts";

let server: ScriptedQueueServer;
let lockd: HttpLockd;

beforeAll(async () => {
  server = await startScriptedQueues();
  lockd = new HttpLockd({ endpoints: server.url, closeTimeoutMs: 200 });
});
afterAll(async () => {
  await lockd.close();
  await server.stop();
});

describe("settling and looking", () => {
  const address = { queue: "q", messageId: "m", leaseId: "l", fencingToken: "3", metaEtag: "e" };

  test("ack, nack and extend say what they were given", async () => {
    const seen: object[] = [];
    server.script({
      ack: async (request) => {
        seen.push(request);
        return { acked: true, correlationId: "c" };
      },
      nack: async (request) => {
        seen.push(request);
        return { requeued: true, metaEtag: "e2", correlationId: "c" };
      },
      extend: async (request) => {
        seen.push(request);
        return {
          leaseExpiresAtUnix: 1,
          visibilityTimeoutSeconds: 2,
          metaEtag: "e3",
          stateLeaseExpiresAtUnix: 4,
          correlationId: "c",
        };
      },
    });
    const { queues } = lockd;
    expect(await queues.ack({ ...address, stateEtag: "s" })).toEqual({
      acked: true,
      correlationId: "c",
    });
    const nack = { ...address, delaySeconds: 1, lastError: { a: [null] } };
    expect((await queues.nack(nack)).metaEtag).toBe("e2");
    expect(await queues.extend({ ...address, extendBySeconds: 5 })).toEqual({
      leaseExpiresAtUnix: 1,
      visibilityTimeoutSeconds: 2,
      metaEtag: "e3",
      stateLeaseExpiresAtUnix: 4,
      correlationId: "c",
    });
    const same = { queue: "q", messageId: "m", leaseId: "l", fencingToken: 3, metaEtag: "e" };
    expect(seen).toMatchObject([
      { ...same, stateEtag: "s" },
      { ...same, delaySeconds: 1, lastError: { a: [null] } },
      { ...same, extendBySeconds: 5 },
    ]);
  });

  test("an ack goes to the next server, and says when the first may have done it", async () => {
    const one = await serve([cut]);
    const two = await serve([failed(404, "not_found")]);
    const error = await failureOf(carrier([one.url, two.url]).queues.ack(address));
    expect(error).toBeInstanceOf(LockdApiError);
    expect(error).toMatchObject({ code: "not_found", outcomeUnknown: true });
  });

  test("a dequeue in a transaction asks no other server after a lost answer", async () => {
    const taking = { queue: "q", owner: "w", waitSeconds: -1 };
    for (const [txnId, asked] of [
      [undefined, 1],
      ["c5v9d0sl70b3m3q8ndgg", 0],
    ] as const) {
      const one = await serve([cut]);
      const two = await serve([failed(409, "waiting")]);
      const taken = carrier([one.url, two.url]).queues.dequeue({ ...taking, txnId });
      expect(await failureOf(taken)).toMatchObject({ outcomeUnknown: true });
      expect(two.requests).toHaveLength(asked);
    }
  });

  test("watch: events of any cut; comments, ids and strangers are nothing", async () => {
    const snapshot = '{"namespace":"n","queue":"q","available":true,"head_message_id":"ü"}';
    const text =
      `: hello\n\nid: 1\nevent: queue_watch\ndata: ${snapshot}\n\n` +
      `event: other\ndata: {}\n\nid: 2\r\nevent:queue_watch\r\ndata:${snapshot}\r\n\r\n: bye\n\n`;
    const step: Step = {
      kind: "answer",
      headers: { "content-type": "text/event-stream" },
      body: Buffer.from(text),
    };
    const { queues } = carrier((await serve([step])).url);
    const seen: unknown[] = [];
    for await (const event of await queues.watch({ queue: "q" })) seen.push(event.headMessageId);
    expect(seen).toEqual(["ü", "ü"]);
  });

  test("list and dead letters", async () => {
    const letter = {
      messageId: "m",
      attempts: 3,
      failureAttempts: 2,
      maxAttempts: 2,
      enqueuedAtUnix: 1,
      diedAtUnix: 2,
      attributes: { a: 1 },
      payloadContentType: "text/plain",
      payloadBytes: 2,
      correlationId: "c",
      lastError: { reason: "x" },
    };
    const summary = {
      namespace: "n",
      queue: "q",
      ready: 1,
      delayed: 2,
      inFlight: 3,
      dead: 4,
      oldestAgeSeconds: 5,
      atLeast: ["messages" as const],
    };
    const payload = Buffer.from("xy");
    const broken = { messageId: "b", detail: "checksum mismatch" };
    server.script({
      list: async () => ({ queues: [summary], cursor: "next" }),
      deadLetters: async () => ({ letters: [letter], damaged: [broken], cursor: undefined }),
      deadLetter: async () => ({ letter, payload }),
      redrive: async () => ({ changed: 2, damaged: [broken], more: true }),
      purge: async () => ({ changed: 0, damaged: [], more: false }),
    });
    const { queues } = lockd;
    expect(await queues.list({})).toEqual({ queues: [summary], cursor: "next" });
    expect(await queues.deadLetters({ queue: "q" })).toEqual({
      letters: [letter],
      damaged: [broken],
      cursor: undefined,
    });
    expect(await queues.deadLetter({ queue: "q", messageId: "m" })).toEqual({ letter, payload });
    expect(await queues.redrive({ queue: "q", all: true })).toEqual({
      changed: 2,
      damaged: [broken],
      more: true,
    });
    expect(await queues.purge({ queue: "q", all: true })).toEqual({
      changed: 0,
      damaged: [],
      more: false,
    });
  });
});
