/** The bytes of dequeue and subscribe as existing clients parse them (http-queue.md 5, 6, 8). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { failure } from "../../src/api/errors.ts";
import type { Delivery, DequeueRequest } from "../../src/api/queues.ts";
import {
  delivery,
  FedStream,
  longPayload,
  type ScriptedQueueServer,
  startScriptedQueues,
} from "../support/scripted-queues.ts";
import { boundaryIn, dechunked, headerIn, post } from "./raw-chunks.ts";
import { call, RawConnection } from "./raw-http.ts";

let server: ScriptedQueueServer;
const connections: RawConnection[] = [];

beforeAll(async () => {
  server = await startScriptedQueues();
});
afterEach(() => {
  for (const connection of connections.splice(0)) connection.socket.destroy();
});
afterAll(() => server.stop());

function connected(): RawConnection {
  const connection = new RawConnection(server.url);
  connections.push(connection);
  return connection;
}

const metaOfFirst =
  '{"message":{"namespace":"default","queue":"q",' +
  '"message_id":"018f0000-0000-7000-8000-000000000001",' +
  '"attempts":1,"max_attempts":5,"not_visible_until_unix":1700000030,' +
  '"visibility_timeout_seconds":30,"payload_content_type":"application/octet-stream",' +
  '"payload_bytes":5,"correlation_id":"cid-1","lease_id":"9m4e2mr0ui3e8a215n4g",' +
  '"lease_expires_at_unix":1700000030,"fencing_token":1,"txn_id":"9m4e2mr0ui3e8a215n50",' +
  '"meta_etag":"e1"}}\n';

/** One pair behind its delimiter, up to the last payload byte. */
function pair(
  payload: string,
  options: { meta?: string; index?: number; type?: string } = {},
): string {
  const { meta = metaOfFirst, index, type = "application/octet-stream" } = options;
  const files =
    index === undefined
      ? ["", ""]
      : [`; filename="meta-${index}.json"`, `; filename="payload-${index}"`];
  return (
    `Content-Disposition: form-data; name="meta"${files[0]}\r\n` +
    `Content-Type: application/json\r\n\r\n${meta}` +
    `\r\n--BOUNDARY\r\nContent-Disposition: form-data; name="payload"${files[1]}\r\n` +
    `Content-Length: ${payload.length}\r\nContent-Type: ${type}\r\n\r\n${payload}`
  );
}

/** The body with its boundary replaced, so that it can be compared. */
function shown(heard: string): string {
  const { head, body } = dechunked(heard);
  const boundary = boundaryIn(head);
  expect(boundary).not.toBe("");
  return body.replaceAll(boundary, "BOUNDARY");
}

const ask = { queue: "q", owner: "w" };

describe("dequeue", () => {
  test("one delivery: every byte, no filename, no state, nothing behind the end", async () => {
    server.script({ dequeue: async () => [delivery()] });
    const connection = connected();
    connection.say(post("/v1/queue/dequeue", JSON.stringify(ask), ["X-Correlation-Id: mine"]));
    const heard = await connection.until(/--\r\n$/);
    expect(shown(heard)).toBe(`--BOUNDARY\r\n${pair("hello")}\r\n--BOUNDARY--\r\n`);
    expect(heard.startsWith("HTTP/1.1 200 OK\r\n")).toBe(true);
    expect(headerIn(heard, "X-Correlation-Id")).toBe("cid-1");
  });

  test("18: a batch has filenames, in order", async () => {
    const payloads = ["one", "", "three"];
    server.script({
      dequeue: async () => payloads.map((text) => delivery({ payload: Buffer.from(text) })),
    });
    const connection = connected();
    connection.say(post("/v1/queue/dequeue", JSON.stringify({ ...ask, page_size: 3 })));
    const heard = await connection.until(/--\r\n$/);
    const pairs = payloads.map((text, index) => {
      const meta = metaOfFirst.replace('"payload_bytes":5', `"payload_bytes":${text.length}`);
      return pair(text, { meta, index });
    });
    const joined = pairs.join("\r\n--BOUNDARY\r\n");
    expect(shown(heard)).toBe(`--BOUNDARY\r\n${joined}\r\n--BOUNDARY--\r\n`);
  });

  test("optional members, state, and a content type of its own", async () => {
    const state = { etag: "s1", leaseId: "l", leaseExpiresAtUnix: 9, fencingToken: 2, txnId: "t" };
    const over: Partial<Delivery> = {
      state,
      failureAttempts: 2,
      attributes: { a: [1, null] },
      payloadContentType: "text/plain; charset=utf-8",
    };
    let asked: DequeueRequest | undefined;
    server.script({
      dequeue: async (request) => {
        asked = request;
        return [delivery(over)];
      },
    });
    const answer = await call(`${server.url}/v1/queue/dequeueWithState?queue=q&owner=w`, {
      method: "POST",
    });
    expect(asked).toMatchObject({ queue: "q", owner: "w", withState: true });
    const meta = JSON.parse(/\{"message".*\}/.exec(answer.text)?.[0] ?? "{}");
    expect(meta.message).toMatchObject({
      failure_attempts: 2,
      attributes: { a: [1, null] },
      state_etag: "s1",
      state_lease_id: "l",
      state_lease_expires_at_unix: 9,
      state_fencing_token: 2,
      state_txn_id: "t",
    });
    expect(answer.text).toContain("Content-Type: text/plain; charset=utf-8\r\n\r\nhello");
  });

  test("13, 14: waiting with and without a hint; fields of the wrong kind", async () => {
    server.script({
      dequeue: async (request) => {
        const wait = request.waitSeconds ?? 0;
        const retryAfterMs = wait * 1_000;
        throw failure("waiting", "nothing", wait < 0 ? {} : { retryAfterMs });
      },
    });
    const send = (body: object) =>
      call(`${server.url}/v1/queue/dequeue`, { body: JSON.stringify(body) });
    const none = await send({ ...ask, wait_seconds: -1 });
    expect([none.status, none.json]).toEqual([409, { error: "waiting", detail: "nothing" }]);
    expect(none.headers["retry-after"]).toBeUndefined();
    const two = await send({ ...ask, wait_seconds: 2 });
    expect([two.json.retry_after_seconds, two.headers["retry-after"]]).toEqual([2, "2"]);
    for (const wrong of [
      { wait_seconds: "1" },
      { page_size: 1.5 },
      { stranger: 1 },
      { owner: 1 },
    ]) {
      const answer = await send({ ...ask, ...wrong });
      expect([answer.status, answer.json.error]).toEqual([400, "invalid_body"]);
    }
  });

  test("large payloads stream with their exact length", async () => {
    const bytes = 3_000_000;
    let closed = 0;
    const payload = longPayload(bytes, { onClose: () => (closed += 1) });
    server.script({
      dequeue: async () => [delivery({ payload, payloadBytes: bytes }), delivery()],
    });
    const answer = await call(`${server.url}/v1/queue/dequeue`, { body: JSON.stringify(ask) });
    const at = answer.text.indexOf("\r\n\r\n\0") + 4;
    expect(answer.text.slice(at, at + bytes)).toBe("\0".repeat(bytes));
    expect(answer.text.slice(at + bytes)).toMatch(/^\r\n--[0-9a-f]{32}\r\nContent-Disposition/);
    expect(answer.text).toContain(`Content-Length: ${bytes}\r\n`);
    await expect.poll(() => closed).toBe(1);
  });

  test("an error in the middle of a payload cuts the connection", async () => {
    const broken: Delivery["payload"] = {
      async *[Symbol.asyncIterator]() {
        yield Buffer.alloc(100_000);
        throw new Error("the disk is gone");
      },
      close: async () => {},
    };
    for (const payload of [broken, longPayload(100_000), longPayload(300_000)]) {
      server.script({ dequeue: async () => [delivery({ payload, payloadBytes: 200_000 })] });
      const connection = connected();
      connection.say(post("/v1/queue/dequeue", JSON.stringify(ask)));
      await connection.closed();
      expect(connection.heard).not.toMatch(/--\r\n/);
    }
  });

  test("a client that is gone before the answer: everything goes back", async () => {
    const back: string[] = [];
    let release = (): void => {};
    let arrived = (): void => {};
    const inside = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    server.script({
      dequeue: async (_request, asked) => {
        arrived();
        const gone = new Promise((resolve) => asked?.signal?.addEventListener("abort", resolve));
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        await gone;
        return [delivery({ messageId: "a" }), delivery({ messageId: "b" })];
      },
      giveBack: async ({ messageId }) => void back.push(messageId),
    });
    const connection = connected();
    connection.say(post("/v1/queue/dequeue", JSON.stringify(ask)));
    await inside;
    // A reset says that nobody listens any more; the end of sending alone would not.
    connection.socket.resetAndDestroy();
    release();
    await expect.poll(() => back).toEqual(["a", "b"]);
  });
});

describe("subscribe", () => {
  test("29: nothing within the wait is JSON, not a stream", async () => {
    server.script({
      subscribe: async () => {
        throw failure("waiting", "nothing", { retryAfterMs: 1_000 });
      },
    });
    const answer = await call(`${server.url}/v1/queue/subscribe`, { body: JSON.stringify(ask) });
    expect([answer.status, answer.headers["content-type"]]).toEqual([409, "application/json"]);
    expect(answer.headers["retry-after"]).toBe("1");
  });

  test("30, 31, 32: pairs one by one, each with the next delimiter at once", async () => {
    const stream = new FedStream().feed(delivery());
    server.script({ subscribe: async () => stream });
    const connection = connected();
    connection.say(post("/v1/queue/subscribe", JSON.stringify(ask)));
    let heard = await connection.until(/hello\r\n--[0-9a-f]{32}\r\n$/);
    expect(shown(heard)).toBe(`--BOUNDARY\r\n${pair("hello")}\r\n--BOUNDARY`);
    expect(headerIn(dechunked(heard).head, "Content-Length")).toBeUndefined();
    expect(headerIn(heard, "X-Correlation-Id")).toBe("cid-1");

    stream.feed(delivery({ payload: Buffer.from("wor\r\n"), correlationId: "cid-2" }));
    heard = await connection.until(/wor\r\n\r\n--[0-9a-f]{32}\r\n$/);
    const second = pair("wor\r\n", { meta: metaOfFirst.replace("cid-1", "cid-2") });
    const both = `--BOUNDARY\r\n${pair("hello")}\r\n--BOUNDARY\r\n${second}\r\n--BOUNDARY`;
    expect(shown(heard)).toBe(both);

    stream.end();
    heard = await connection.until(/\r\n0\r\n\r\n$/);
    expect(shown(heard)).toBe(`${both}--\r\n`);
  });

  test("a failure behind the head is a clean end; before it, an error answer", async () => {
    const stream = new FedStream().feed(delivery());
    server.script({ subscribe: async () => stream });
    const connection = connected();
    connection.say(post("/v1/queue/subscribe", JSON.stringify(ask)));
    await connection.until(/hello/);
    stream.end(new Error("the disk is gone"));
    expect(shown(await connection.until(/0\r\n\r\n$/)).endsWith("hello\r\n--BOUNDARY--\r\n")).toBe(
      true,
    );

    server.script({ subscribe: async () => new FedStream().end() });
    const nothing = await call(`${server.url}/v1/queue/subscribe`, { body: JSON.stringify(ask) });
    expect([nothing.status, nothing.json.error]).toEqual([409, "waiting"]);
    const early = new FedStream().end(
      failure("shutdown_draining", "draining", { retryAfterMs: 1_500 }),
    );
    server.script({ subscribe: async () => early });
    const draining = await call(`${server.url}/v1/queue/subscribe`, { body: JSON.stringify(ask) });
    expect([draining.status, draining.headers["retry-after"]]).toEqual([503, "2"]);
  });

  test("35: a client that leaves ends the stream; what it cannot have got goes back", async () => {
    const back: string[] = [];
    const stream = new FedStream().feed(delivery({ messageId: "seen" }));
    server.script({
      subscribe: async () => stream,
      giveBack: async ({ messageId }) => void back.push(messageId),
    });
    const connection = connected();
    connection.say(post("/v1/queue/subscribe", JSON.stringify(ask)));
    await connection.until(/hello/);
    connection.socket.destroy();
    await expect.poll(() => stream.closed).toBe(true);
    expect(back).toEqual([]);
  });

  test("a client that stops reading is not written to any more", async () => {
    const back: string[] = [];
    const stream = new FedStream();
    const large = Buffer.alloc(60_000);
    for (let at = 0; at < 2_000; at += 1)
      stream.feed(delivery({ messageId: `${at}`, payload: large }));
    server.script({
      subscribe: async () => stream,
      giveBack: async ({ messageId }) => void back.push(messageId),
    });
    const connection = connected();
    connection.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    connection.say(post("/v1/queue/subscribe", JSON.stringify(ask)));
    let taken = -1;
    // Goes on until a whole look brought nothing new: the socket's buffers are full.
    await expect
      .poll(
        () => {
          const same = stream.taken === taken && taken > 0;
          taken = stream.taken;
          return same;
        },
        { interval: 200, timeout: 20_000 },
      )
      .toBe(true);
    expect(taken).toBeLessThan(400);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32_000_000);
    connection.socket.destroy();
    await expect.poll(() => stream.closed).toBe(true);
    expect(stream.taken - taken).toBeLessThanOrEqual(1);
  });

  test("no limit on silence, whatever the limit for bodies is", async () => {
    const own = await startScriptedQueues({}, { bodyIdleTimeoutMs: 50 });
    const stream = new FedStream().feed(delivery());
    own.script({ subscribe: async () => stream });
    const connection = new RawConnection(own.url);
    connection.say(post("/v1/queue/subscribe", JSON.stringify(ask)));
    await connection.until(/hello/);
    await new Promise((resolve) => setTimeout(resolve, 400));
    stream.feed(delivery({ payload: Buffer.from("later") })).end();
    expect(shown(await connection.until(/0\r\n\r\n$/))).toContain("later\r\n--BOUNDARY--\r\n");
    connection.socket.destroy();
    await own.stop();
  });
});
