/** What the contract says about bytes and headers (http-core.md sections 1 to 5 and 10). */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { call } from "./raw-http.ts";

let server: RealServer;
let url = "";
let count = 0;

beforeAll(async () => {
  server = await startRealServer({});
  url = server.url;
});
afterAll(() => server.stop());

function freshKey(): string {
  count += 1;
  return `k${count}`;
}

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return call(`${url}${path}`, { body: text, headers });
}

async function acquired(key = freshKey(), more: object = {}) {
  const body = { key, owner: "w", ttl_seconds: 30, block_seconds: -1, ...more };
  const answer = await post("/v1/acquire", body);
  expect(answer.status).toBe(200);
  const headers = {
    "x-lease-id": String(answer.json.lease_id),
    "x-txn-id": String(answer.json.txn_id),
    "x-fencing-token": String(answer.json.fencing_token),
  };
  const lease = { key, lease_id: answer.json.lease_id, txn_id: answer.json.txn_id };
  return { key, answer, headers, lease };
}

describe("acquire", () => {
  test("1: answer, headers, and no empty header value", async () => {
    const { answer } = await acquired();
    expect(answer.json).toMatchObject({ version: 0, fencing_token: 1, namespace: "default" });
    expect(answer.json).not.toHaveProperty("state_etag");
    expect(answer.headers).toMatchObject({
      "x-fencing-token": "1",
      "x-key-version": "0",
      "content-type": "application/json",
      "x-correlation-id": String(answer.json.correlation_id),
    });
    expect(Object.values(answer.headers)).not.toContain("");
  });

  test("3, 16: key from the query, transaction from the header, the body wins", async () => {
    const key = freshKey();
    const body = { owner: "w", block_seconds: -1 };
    const txn = "9m4e2mr0ui3e8a215n4g";
    const answer = await post(`/v1/acquire?key=${key}`, body, { "x-txn-id": txn });
    expect(answer.json).toMatchObject({ key, txn_id: txn });
    const other = "9m4e2mr0ui3e8a215n50";
    const both = { ...body, key: freshKey(), txn_id: other };
    expect((await post("/v1/acquire", both, { "x-txn-id": txn })).json.txn_id).toBe(other);
  });

  test("4: waiting carries the same hint in header and body", async () => {
    const { key } = await acquired();
    const answer = await post("/v1/acquire", { key, owner: "x", block_seconds: -1 });
    expect(answer.status).toBe(409);
    expect(answer.json.error).toBe("waiting");
    expect(answer.json.retry_after_seconds).toBeGreaterThanOrEqual(1);
    expect(answer.headers["retry-after"]).toBe(String(answer.json.retry_after_seconds));
  });

  test.each([
    ["an unknown field", '{"key":"a","owner":"w","foo":1}'],
    ["two values", '{"owner":"w"}{"owner":"w"}'],
    ["a quoted number", '{"owner":"w","ttl_seconds":"5"}'],
    ["a fraction", '{"owner":"w","ttl_seconds":5.0}'],
    ["an exponent", '{"owner":"w","ttl_seconds":1e1}'],
    ["a number of more than 64 bits", '{"owner":"w","ttl_seconds":9223372036854775808}'],
    ["an array", "[]"],
    ["nothing", ""],
    ["a number for a text", '{"owner":7}'],
    ["broken JSON", '{"owner":'],
  ])("14: %s in the body is invalid_body", async (_name, body) => {
    const answer = await post("/v1/acquire", body);
    expect([answer.status, answer.json.error]).toEqual([400, "invalid_body"]);
    expect(String(answer.json.detail)).not.toBe("");
  });

  test("seconds may have 64 bits, and are cut to what is configured", async () => {
    const body = (seconds: string, key: string): string =>
      `{"key":"${key}","owner":"w","block_seconds":-1,"ttl_seconds":${seconds}}`;
    const nowUnix = Math.floor(Date.now() / 1000);
    for (const [seconds, granted] of [
      ["9223372036854775807", 1800],
      ["9007199254740993", 1800],
      ["-9223372036854775808", 30],
    ] as const) {
      const { status, json } = await post("/v1/acquire", body(seconds, freshKey()));
      expect(status).toBe(200);
      expect(Number(json.expires_at_unix) - nowUnix).toBeGreaterThanOrEqual(granted);
      expect(Number(json.expires_at_unix) - nowUnix).toBeLessThan(granted + 10);
    }
    const { json } = await post("/v1/acquire", body("-9223372036854775809", freshKey()));
    expect(json.detail).toBe('field "ttl_seconds" must be an integer from -2^63 to 2^63-1');
  });

  test("a queue's numbers have 53 bits at most, and a longer one is told so", async () => {
    const body = '{"queue":"q","message_id":"m","lease_id":"l","fencing_token":9007199254740993}';
    const { status, json } = await post("/v1/queue/ack", body);
    expect([status, json.error]).toEqual([400, "invalid_body"]);
    expect(json.detail).toBe('field "fencing_token" must be an integer from -(2^53-1) to 2^53-1');
  });

  test("null means absent, also for the whole body", async () => {
    const answer = await post("/v1/acquire", '{"key":null,"owner":"w","ttl_seconds":null}');
    expect(answer.status).toBe(200);
    expect((await post("/v1/acquire", "null")).json.error).toBe("missing_owner");
  });

  test("17: namespace before owner and key", async () => {
    const answer = await post("/v1/acquire", { namespace: ".txns", key: "//" });
    expect([answer.status, answer.json.error]).toEqual([400, "invalid_namespace"]);
  });
});

describe("correlation and errors", () => {
  test("21, 22: accepted, or replaced when it is too long", async () => {
    const body = { owner: "w", block_seconds: -1 };
    const mine = await post("/v1/acquire", body, { "x-correlation-id": " abc " });
    expect(mine.json.correlation_id).toBe("abc");
    expect(mine.headers["x-correlation-id"]).toBe("abc");
    const long = "x".repeat(129);
    const other = await post("/v1/acquire", body, { "x-correlation-id": long });
    expect(other.json.correlation_id).not.toBe(long);
    expect(other.headers["x-correlation-id"]).toBe(other.json.correlation_id);
  });

  test.each(["/nope", "/v1/acquire/", "/v1", "/v1/get/x", "/V1/get"])(
    "23, 24: %s is not found, as an envelope",
    async (path) => {
      const answer = await call(`${url}${path}`);
      expect([answer.status, answer.json.error]).toEqual([404, "not_found"]);
      expect(answer.headers["content-type"]).toBe("application/json");
      expect(answer.headers["x-correlation-id"]).toBeDefined();
    },
  );

  test("health answers 200 and nothing, whatever the method", async () => {
    for (const method of ["GET", "POST", "DELETE"] as const) {
      const answer = await call(`${url}/healthz`, { method });
      expect([answer.status, answer.text]).toEqual([200, ""]);
    }
    expect((await call(`${url}/readyz`)).status).toBe(200);
  });

  test("nothing is answered 405 for its method", async () => {
    const { key } = await acquired();
    const answer = await call(`${url}/v1/describe?key=${key}`, { method: "POST", body: "x" });
    expect(answer.status).toBe(200);
  });
});

describe("keepalive and release", () => {
  test("25, 26, 29: token first, then the body", async () => {
    const { lease, headers } = await acquired();
    const good = await post(
      "/v1/keepalive",
      { ...lease, ttl_seconds: 60, fencing_token: 99 },
      headers,
    );
    expect(good.status).toBe(200);
    expect(good.headers["x-fencing-token"]).toBe("1");
    expect((await post("/v1/keepalive", "{")).json.error).toBe("missing_fencing_token");
    const bad = await post("/v1/keepalive", "{", { "x-fencing-token": "x" });
    expect(bad.json.error).toBe("invalid_fencing_token");
    const unknown = await post("/v1/keepalive", { ...lease, foo: 1 }, headers);
    expect([unknown.status, unknown.json.error]).toEqual([400, "invalid_body"]);
    const huge = { ...headers, "x-fencing-token": "9223372036854775807" };
    expect((await post("/v1/keepalive", lease, huge)).json.error).toBe("fencing_mismatch");
    const beyond = { ...headers, "x-fencing-token": "9223372036854775808" };
    expect((await post("/v1/keepalive", lease, beyond)).json.error).toBe("invalid_fencing_token");
  });

  test("the transaction header wins on keepalive and is not read on release", async () => {
    const { lease, headers } = await acquired();
    const { "x-fencing-token": token = "" } = headers;
    const wrong = { "x-fencing-token": token, "x-txn-id": "9m4e2mr0ui3e8a215n4g" };
    expect((await post("/v1/keepalive", lease, wrong)).json.error).toBe("txn_mismatch");
    const released = await post("/v1/release", lease, wrong);
    expect([released.status, released.json]).toEqual([200, { released: true }]);
  });
});

describe("state", () => {
  test("31, 32, 43, 49: update and read back, by GET and POST, chunked too", async () => {
    const { key, headers, lease } = await acquired();
    const update = await call(`${url}/v1/update?key=${key}`, {
      body: '{ "a" : 1 }',
      headers: { ...headers, "content-type": "application/octet-stream" },
    });
    const etag = createHash("sha256").update('{"a":1}').digest("hex");
    expect(update.json).toEqual({ new_version: 1, new_state_etag: etag, bytes: 7, metadata: {} });
    expect(update.headers).toMatchObject({ "x-key-version": "1", etag });
    for (const method of ["GET", "POST"] as const) {
      const got = await call(`${url}/v1/get?key=${key}`, { method, headers });
      expect([got.status, got.text]).toEqual([200, '{"a":1}']);
      expect(got.headers).toMatchObject({
        etag,
        "x-key-version": "1",
        "x-fencing-token": "1",
        "content-length": "7",
        "content-type": "application/json",
      });
    }
    const unpublished = await call(`${url}/v1/get?key=${key}&public=Yes`);
    expect(unpublished.status).toBe(204);
    expect(unpublished.headers).not.toHaveProperty("etag");
    expect(unpublished.headers).not.toHaveProperty("x-key-version");
    await post("/v1/release", lease, headers);
    const published = await call(`${url}/v1/get?key=${key}&public=1`);
    expect([published.status, published.text]).toEqual([200, '{"a":1}']);
    expect(published.headers).not.toHaveProperty("x-fencing-token");
  });

  test("the two-call extras: state with the lease, release with the update", async () => {
    const { key, headers } = await acquired();
    const fused = await call(`${url}/v1/update?key=${key}`, {
      body: '{"n":1}',
      headers: { ...headers, "x-lockd-release": "commit" },
    });
    expect(fused.headers["x-lockd-released"]).toBe("commit");
    const again = await call(`${url}/v1/acquire`, {
      body: JSON.stringify({ key, owner: "w", block_seconds: -1 }),
      headers: { "x-lockd-return-state": "1" },
    });
    expect(again.headers).toMatchObject({
      "x-lockd-returned-state": "7",
      "content-type": "application/vnd.lockd.acquire-with-state",
    });
    expect(again.text.endsWith('}{"n":1}')).toBe(true);
  });

  test("metadata: the order of its checks, and a bad body at its place", async () => {
    const { key, headers } = await acquired();
    const path = `/v1/metadata?key=${key}`;
    expect((await post("/v1/metadata", "{")).json.error).toBe("missing_key");
    expect((await post(path, "{")).json.error).toBe("missing_lease");
    expect((await post(path, '{"foo":1}', headers)).json.error).toBe("invalid_metadata");
    expect((await post(path, "", headers)).json.error).toBe("invalid_metadata");
    expect((await post(path, `{"query_hidden":true${" ".repeat(5000)}}`, headers)).json.error).toBe(
      "invalid_metadata",
    );
    const header = { ...headers, "x-lockd-meta-query-hidden": "0" };
    const won = await post(path, { query_hidden: true }, header);
    expect(won.json).toMatchObject({ key, version: 1, metadata: {} });
    expect(won.headers["x-key-version"]).toBe("1");
  });

  test("status is an extension with everything at a glance", async () => {
    const { key } = await acquired();
    const { json } = await call(`${url}/v1/x/status?key=${key}`);
    expect(json).toMatchObject({ key, held: true, owner: "w", fencing_token: 1, waiters: 0 });
  });
});
