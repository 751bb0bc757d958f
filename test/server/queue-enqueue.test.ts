/** Enqueue over HTTP: what is taken for multipart, and what the queue gets of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BodyIn } from "../../src/api/lockd.ts";
import type { EnqueueRequest } from "../../src/api/queues.ts";
import { bytesOf } from "../conformance/lockd-suite.ts";
import { type ScriptedQueueServer, startScriptedQueues } from "../support/scripted-queues.ts";
import { chunked, post } from "./raw-chunks.ts";
import { call, RawConnection } from "./raw-http.ts";

let server: ScriptedQueueServer;
let seen: { request: EnqueueRequest; payload: string }[] = [];
let failures: unknown[] = [];

async function enqueue(request: EnqueueRequest, payload: BodyIn) {
  try {
    seen.push({ request, payload: (await bytesOf(payload)).toString("latin1") });
  } catch (error) {
    failures.push(error);
    throw error;
  }
  return {
    namespace: request.namespace ?? "default",
    queue: request.queue ?? "",
    messageId: "018f0000-0000-7000-8000-000000000001",
    attempts: 0,
    maxAttempts: 5,
    failureAttempts: 0,
    notVisibleUntilUnix: 1_700_000_000,
    visibilityTimeoutSeconds: 30,
    payloadBytes: seen.at(-1)?.payload.length ?? 0,
    correlationId: "stored-id",
    duplicate: false,
  };
}

beforeAll(async () => {
  server = await startScriptedQueues({ enqueue });
});
beforeEach(() => {
  seen = [];
  failures = [];
});
afterAll(() => server.stop());

function form(meta: string | undefined, payload: string | undefined, boundary = "b"): string {
  const metaPart =
    meta === undefined
      ? ""
      : `--${boundary}\r\nContent-Disposition: form-data; name="meta"\r\n` +
        `Content-Type: application/json\r\n\r\n${meta}\r\n`;
  const payloadPart =
    payload === undefined
      ? ""
      : `--${boundary}\r\nContent-Disposition: form-data; name="payload"\r\n` +
        `Content-Type: text/plain\r\n\r\n${payload}\r\n`;
  return `${metaPart}${payloadPart}--${boundary}--\r\n`;
}

function send(body: string, type = "multipart/related; boundary=b", path = "/v1/queue/enqueue") {
  const headers = { "content-type": type };
  return call(`${server.url}${path}`, { body: Buffer.from(body, "latin1"), headers });
}

describe("enqueue", () => {
  test("1: the answer's members, and the stored correlation id in header and body", async () => {
    const answer = await send(form('{"queue":"q"}', "abc\r\n--bx"));
    expect(answer.status).toBe(200);
    expect(answer.text.endsWith("}\n")).toBe(true);
    expect(answer.json).toEqual({
      namespace: "default",
      queue: "q",
      message_id: "018f0000-0000-7000-8000-000000000001",
      attempts: 0,
      max_attempts: 5,
      not_visible_until_unix: 1_700_000_000,
      visibility_timeout_seconds: 30,
      payload_bytes: 9,
      correlation_id: "stored-id",
    });
    expect(answer.headers["x-correlation-id"]).toBe("stored-id");
    expect(seen[0]?.payload).toBe("abc\r\n--bx");
  });

  test.each([
    ["behind the payload", form("{}", "short").replace("--b--", `--b\r\n\r\n${"x".repeat(2e6)}`)],
    ["in a refused form", `--b nonsense ${"x".repeat(2e6)}`],
  ])("a long rest %s does not hold up the connection's next request", async (_name, body) => {
    const connection = new RawConnection(server.url);
    const head = "Host: x\r\nContent-Type: multipart/related; boundary=b";
    connection.say(`POST /v1/queue/enqueue?queue=q HTTP/1.1\r\n${head}\r\n`);
    connection.say(`Content-Length: ${body.length}\r\n\r\n${body}`);
    connection.say("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    await connection.until(/HTTP\/1.1 .*HTTP\/1.1 404/s);
    connection.socket.destroy();
  });

  test("every member of meta arrives; strangers and nulls do not matter", async () => {
    const meta = {
      namespace: "N",
      queue: "q",
      delay_seconds: 1,
      visibility_timeout_seconds: 2,
      ttl_seconds: 3,
      max_attempts: 4,
      attributes: { price: 1.5, list: [1e3] },
      payload_content_type: "text/html",
      max_deliveries: 5,
      priority: -6,
      group: "g",
      dedupe_key: "d",
      dedupe_window_seconds: 7,
      txn_id: null,
      stranger: 1.5,
    };
    const answer = await send(form(JSON.stringify(meta), "x"));
    expect(seen[0]?.request).toEqual({
      namespace: "N",
      queue: "q",
      delaySeconds: 1,
      visibilityTimeoutSeconds: 2,
      ttlSeconds: 3,
      maxAttempts: 4,
      attributes: { price: 1.5, list: [1_000] },
      payloadContentType: "text/html",
      maxDeliveries: 5,
      priority: -6,
      group: "g",
      dedupeKey: "d",
      dedupeWindowSeconds: 7,
      txnId: undefined,
    });
    expect(answer.json.duplicate).toBe(false);
  });

  test.each([
    ["2: form-data with a quoted boundary", 'multipart/form-data; boundary="a b"', "a b"],
    ["upper case", "MULTIPART/Mixed; charset=utf-8; BOUNDARY=b", "b"],
  ])("%s", async (_name, type, boundary) => {
    expect((await send(form('{"queue":"q"}', "x", boundary), type)).status).toBe(200);
  });

  test.each([
    ["application/json", "invalid_content_type"],
    ["multipart", "invalid_content_type"],
    ["", "invalid_content_type"],
    ["multipart/related", "multipart_error"],
    ["multipart/related; boundary=", "multipart_error"],
    [`multipart/related; boundary=${"b".repeat(71)}`, "multipart_error"],
  ])("3: content type %j is %s", async (type, code) => {
    const answer = await send(form("{}", "x"), type);
    expect([answer.status, answer.json.error]).toEqual([400, code]);
    expect(answer.headers["x-correlation-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("4: a body that breaks off reaches the queue as nothing or a failing stream", async () => {
    const short = form('{"queue":"q"}', "x".repeat(10)).slice(0, -8);
    const long = form('{"queue":"q"}', "x".repeat(200_000)).slice(0, -8);
    for (const body of [short, long]) {
      const answer = await send(body);
      expect([answer.status, answer.json.error]).toEqual([400, "multipart_error"]);
    }
    expect(seen).toEqual([]);
    expect(failures).toHaveLength(1);
  });

  test("4: a client that goes away in the middle fails the stream", async () => {
    const connection = new RawConnection(server.url);
    const body = form('{"queue":"q"}', "x".repeat(200_000));
    const request = post("/v1/queue/enqueue", body, [
      "Content-Type: multipart/related; boundary=b",
    ]);
    connection.say(request.slice(0, -5_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    connection.socket.destroy();
    await expect.poll(() => failures.length).toBe(1);
    expect(seen).toEqual([]);
  });

  test("5, 6: the queue of the query, the body's first", async () => {
    await send(form("{}", "x"), undefined, "/v1/queue/enqueue?queue=one&namespace=n");
    await send(form('{"queue":"two"}', "x"), undefined, "/v1/queue/enqueue?queue=one");
    await send(form(undefined, "x"), undefined, "/v1/queue/enqueue?queue=three");
    expect(seen.map(({ request }) => request.queue)).toEqual(["one", "two", "three"]);
    expect(seen[0]?.request.namespace).toBe("n");
  });

  test("7: no payload part is an empty payload", async () => {
    expect((await send(form('{"queue":"q"}', undefined))).status).toBe(200);
    expect(seen[0]?.payload).toBe("");
  });

  test.each(["[]", "1", "{", "", '{"queue":1}', '{"delay_seconds":1.5}', '{"attributes":[1]}'])(
    "8: meta %s is no meta",
    async (meta) => {
      const answer = await send(form(meta, "x"));
      expect([answer.status, answer.json.error]).toEqual([400, "invalid_body"]);
    },
  );

  test("parts of other names are skipped, and nothing behind the payload matters", async () => {
    const other = 'Content-Disposition: form-data; name="other"\r\n\r\n{"queue":"no"}';
    const meta = 'Content-Disposition: form-data; name="meta"\r\n\r\n{"queue":"q"}';
    const payload = 'Content-Disposition: form-data; name="payload"\r\n\r\nx';
    const body = [other, meta, other, payload, payload.replace(/x$/, "y"), meta];
    const text = `--b\r\n${body.join("\r\n--b\r\n")}\r\n--b--\r\n`;
    expect((await send(text)).status).toBe(200);
    expect(seen).toMatchObject([{ request: { queue: "q" }, payload: "x" }]);
  });

  test("a meta part beyond its limit and endless parts are refused", async () => {
    const large = await send(form(`{"queue":"${"q".repeat(1_100_000)}"}`, "x"));
    expect([large.status, large.json.error]).toEqual([400, "invalid_body"]);
    const many = await send(`${"--b\r\n\r\nx\r\n".repeat(200)}--b--`);
    expect([many.status, many.json.error]).toEqual([400, "multipart_error"]);
  });

  test("12: chunks cut anywhere behind Expect: 100-continue; the connection goes on", async () => {
    const connection = new RawConnection(server.url);
    const type = "Content-Type: multipart/related; boundary=b";
    const body = form('{"queue":"q"}', "pay\r\nload");
    const request = chunked("/v1/queue/enqueue", [...body], [type, "Expect: 100-continue"]);
    const head = request.slice(0, request.indexOf("\r\n\r\n") + 4);
    connection.say(head);
    await connection.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    connection.say(request.slice(head.length));
    await connection.until(/"correlation_id":"stored-id"}\n/);
    connection.say(post("/v1/queue/enqueue", body, [type]));
    await connection.until(/(stored-id"}\n[\s\S]*){2}/);
    connection.socket.destroy();
    expect(seen.map(({ payload }) => payload)).toEqual(["pay\r\nload", "pay\r\nload"]);
  });

  test("any method does, and other queue paths are not found", async () => {
    const stats = await call(`${server.url}/v1/queue/stats`, { method: "PUT", body: "{}" });
    expect([stats.status, stats.json.error]).toEqual([501, "queue_disabled"]);
    const upper = await call(`${server.url}/v1/queue/Enqueue`, { method: "POST", body: "{}" });
    expect(upper.status).toBe(404);
  });
});
