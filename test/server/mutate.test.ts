/** POST /v1/mutate as bytes on the wire (http-core.md 10.7, query-and-lql.md section 8). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { call } from "./raw-http.ts";

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer({});
});
afterAll(() => server.stop());

async function leased(key: string): Promise<Record<string, string>> {
  const body = JSON.stringify({ key, owner: "w", ttl_seconds: 30, block_seconds: -1 });
  const { json } = await call(`${server.url}/v1/acquire`, { body });
  return {
    "X-Lease-ID": String(json.lease_id),
    "X-Txn-ID": String(json.txn_id),
    "X-Fencing-Token": String(json.fencing_token),
  };
}

function mutate(query: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return call(`${server.url}/v1/mutate?${query}`, { body: text, headers });
}

test("body and headers of the answer", async () => {
  const headers = await leased("answer");
  const answer = await mutate("key=answer", { mutations: [" /n++ ", ""] }, headers);
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    new_version: 1,
    new_state_etag: expect.stringMatching(/^[0-9a-f]{64}$/),
    bytes: 7,
    metadata: {},
  });
  expect(answer.headers).toMatchObject({
    "x-key-version": "1",
    etag: answer.json.new_state_etag,
    "x-fencing-token": "1",
    "x-lockd-mutate-candidates-seen": "1",
    "x-lockd-mutate-candidates-written": "1",
    "x-lockd-mutate-bytes-read": "2",
    "x-lockd-mutate-bytes-written": "7",
    "x-lockd-mutate-bytes-captured": "0",
    "x-lockd-mutate-spill-count": "0",
    "x-lockd-mutate-spill-bytes": "0",
  });
  expect(answer.headers["x-lockd-released"]).toBeUndefined();
  const stale = { ...headers, "X-If-State-ETag": '"stale"' };
  const conflict = await mutate("key=answer", { mutations: ["/n++"] }, stale);
  expect(conflict.status).toBe(409);
  expect(conflict.json).toMatchObject({
    error: "etag_mismatch",
    current_version: 1,
    current_etag: answer.json.new_state_etag,
  });
  const more = { ...headers, "X-Lockd-Release": "commit", "X-Lockd-Meta-Query-Hidden": "true" };
  const last = await mutate("key=answer", { mutations: ["/n++"] }, more);
  expect(last.headers["x-lockd-released"]).toBe("commit");
  expect(last.json.metadata).toEqual({ query_hidden: true });
  const read = await call(`${server.url}/v1/get?key=answer&public=1`, { method: "POST" });
  expect(read.text).toBe('{"n":2}');
});

test("the body's namespace counts when the query has none", async () => {
  const headers = await leased("ns");
  const elsewhere = await mutate("key=ns", { namespace: "other", mutations: ["/a=1"] }, headers);
  expect(elsewhere.json.error).toBe("lease_required");
  const query = "key=ns&namespace=default";
  const here = await mutate(query, { namespace: "other", mutations: ["/a=1"] }, headers);
  expect(here.status).toBe(200);
});

test.each([
  ["", "not json", "missing_key"],
  ["key=k", "not json", "invalid_body"],
  ["key=k", "", "invalid_body"],
  ["key=k", { mutations: ["/a=1"], more: 1 }, "invalid_body"],
  ["key=k", { mutations: "/a=1" }, "invalid_body"],
  ["key=k", { mutations: [1] }, "invalid_body"],
  ["key=k", { mutations: [] }, "invalid_body"],
  ["key=k", { mutations: [" "] }, "invalid_body"],
  ["key=k", {}, "invalid_body"],
  ["key=k&namespace=.bad", { mutations: ["/b"] }, "invalid_namespace"],
  ["key=k", { mutations: ["/b"] }, "missing_lease"],
])("42: %s %j is %s", async (query, body, code) => {
  const answer = await mutate(query, body);
  expect([answer.status, answer.json.error]).toEqual([400, code]);
});

test("a mistake names the place and the right form", async () => {
  const headers = await leased("mistake");
  const answer = await mutate("key=mistake", { mutations: ["/a=1", "/b"] }, headers);
  expect(answer.json).toMatchObject({ error: "invalid_mutations" });
  expect(answer.json.detail).toMatch(/expression 2.*at 0.*write/);
});
