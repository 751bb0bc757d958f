/** /v1/txn/* and /v1/x/txn/* as bytes on the wire (transactions-and-islands.md 1.2, 10, 17). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemRandom } from "../../src/host/random.ts";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { call } from "./raw-http.ts";

const random = systemRandom();
let server: RealServer;
beforeAll(async () => {
  server = await startRealServer({});
});
afterAll(() => server.stop());

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return call(`${server.url}${path}`, { body: text, headers });
}

/** A key with a staged state under a transaction. */
async function staged(key: string, txn: string): Promise<void> {
  const acquired = await post("/v1/acquire", {
    key,
    owner: "w",
    ttl_seconds: 30,
    block_seconds: -1,
    txn_id: txn,
  });
  const headers = {
    "X-Lease-ID": String(acquired.json.lease_id),
    "X-Txn-ID": txn,
    "X-Fencing-Token": String(acquired.json.fencing_token),
  };
  expect((await post(`/v1/update?key=${key}`, { n: 1 }, headers)).status).toBe(200);
}

describe("leniency", () => {
  test("an answer is one JSON object and a newline, with a correlation id", async () => {
    const txn = random.xid();
    const answer = await post("/v1/txn/decide", { txn_id: txn, state: "commit" });
    expect([answer.status, answer.text]).toEqual([200, `{"txn_id":"${txn}","state":"commit"}\n`]);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["x-correlation-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("20: unknown fields, null and what follows the first value are ignored", async () => {
    const txn = random.xid();
    const first = `{"txn_id":"${txn}","state":"pending","more":{"a":"}\\""},"participants":null}`;
    for (const rest of ["", "\n{}", " garbage {", "}"]) {
      const answer = await post("/v1/txn/decide", first + rest);
      expect([answer.status, answer.json.state]).toEqual([200, "pending"]);
    }
  });

  test("an empty body counts as an empty object; then the query speaks", async () => {
    const txn = random.xid();
    const answer = await post(`/v1/txn/decide?txn_id=${txn}&state=ROLLBACK`, "");
    expect(answer.json).toEqual({ txn_id: txn, state: "rollback" });
    expect((await post("/v1/txn/decide", "")).json.error).toBe("missing_txn_id");
    expect((await post("/v1/txn/decide", "null")).json.error).toBe("missing_txn_id");
  });
});

describe("refusals, in their order", () => {
  const txn = random.xid();
  const decide = { txn_id: txn, state: "pending" };
  test.each([
    ["not json", "invalid_body"],
    ["[]", "invalid_body"],
    ['{"txn_id":1}', "invalid_body"],
    [`{"txn_id":"${txn}","state":"x"`, "invalid_body"],
    [{ ...decide, participants: {} }, "invalid_body"],
    [{ ...decide, participants: [1] }, "invalid_body"],
    [{ ...decide, participants: [{ namespace: 1 }] }, "invalid_body"],
    [{ ...decide, expires_at_unix: "5" }, "invalid_body"],
    [`{"txn_id":"${txn}","state":"pending","tc_term":9007199254740993}`, "invalid_body"],
    [{ state: "maybe" }, "missing_txn_id"],
    [{ txn_id: " ", state: "maybe" }, "missing_txn_id"],
    [{ txn_id: "nope", state: "maybe" }, "invalid_txn_id"],
    [{ txn_id: `${txn.slice(0, 19)}1`, state: "commit" }, "invalid_txn_id"],
    [{ txn_id: txn }, "invalid_state"],
    [{ txn_id: txn, state: "maybe", participants: [{}] }, "invalid_state"],
    [{ ...decide, participants: [{ namespace: ".txns", key: "a" }] }, "invalid_namespace"],
    [{ ...decide, participants: [{ key: "a" }] }, "invalid_namespace"],
    [{ ...decide, participants: [{ namespace: "n", key: " " }] }, "invalid_key"],
  ])("%j is %s", async (body, code) => {
    const answer = await post("/v1/txn/decide", body);
    expect([answer.status, answer.json.error]).toEqual([400, code]);
  });

  test("24: replay needs a body", async () => {
    const empty = await post(`/v1/txn/replay?txn_id=${txn}`, "");
    expect([empty.status, empty.json.error]).toEqual([400, "invalid_body"]);
    const unknown = await post(`/v1/txn/replay?txn_id=${txn}`, {});
    expect([unknown.status, unknown.json.error]).toEqual([404, "txn_not_found"]);
  });

  test("a body beyond the limit, and other methods", async () => {
    const long = await post("/v1/txn/decide", `{"x":"${"x".repeat(5 * 1024 * 1024)}"}`);
    expect([long.status, long.json.error]).toEqual([400, "invalid_body"]);
    for (const path of ["/v1/txn/decide", "/v1/txn/commit", "/v1/txn/replay"]) {
      const answer = await call(`${server.url}${path}`, { method: "GET" });
      expect([answer.status, answer.json.error]).toEqual([405, "method_not_allowed"]);
    }
  });
});

test("21, 23: applying on this island only", async () => {
  const txn = random.xid();
  const unknown = await post("/v1/txn/commit", { txn_id: txn });
  expect([unknown.status, unknown.json.error]).toEqual([404, "txn_not_found"]);
  await staged("apply", txn);
  const pending = await post("/v1/txn/commit", { txn_id: txn });
  expect([pending.status, pending.json.error]).toEqual([409, "txn_pending"]);
  const target = { txn_id: txn, target_backend_hash: "elsewhere" };
  expect((await post("/v1/txn/commit", target)).status).toBeGreaterThanOrEqual(409);
  const participants = [{ namespace: "default", key: "apply" }];
  const done = await post("/v1/txn/rollback", { txn_id: txn, participants });
  expect(done.json).toEqual({ txn_id: txn, state: "rollback" });
  // Without terms the recorded decision is told, whatever the path says.
  const told = await post("/v1/txn/commit", { txn_id: txn });
  expect(told.json).toEqual({ txn_id: txn, state: "rollback" });
});

test("list and explain", async () => {
  const txn = random.xid();
  await staged("story", txn);
  const list = await call(`${server.url}/v1/x/txn/list?state=pending&limit=1000`, {
    method: "GET",
  });
  const found = (list.json.transactions as { txn_id: string }[]).find((t) => t.txn_id === txn);
  expect(found).toEqual({
    txn_id: txn,
    state: "pending",
    participants: [expect.objectContaining({ namespace: "default", key: "story", applied: false })],
    created_at_unix: expect.any(Number),
    updated_at_unix: expect.any(Number),
    expires_at_unix: expect.any(Number),
    in_doubt: false,
  });
  const explain = `${server.url}/v1/x/txn/explain?txn_id=${txn}`;
  const story = await call(explain, { method: "GET" });
  expect(story.json).toMatchObject({
    state: "pending",
    record: "recorded",
    participants: [{ key: "story", now: "staged", owner: "w", fencing_token: 1 }],
    story: expect.arrayContaining([expect.any(String)]),
  });
  for (const query of ["limit=0", "limit=x", "state=maybe"]) {
    const refused = await call(`${server.url}/v1/x/txn/list?${query}`, { method: "GET" });
    expect(refused.status).toBe(400);
  }
});

test("80: a repeated acquire says that it is one", async () => {
  const body = { key: "idem", owner: "w", ttl_seconds: 30, block_seconds: -1 };
  const headers = { "X-Idempotency-Key": "0123456789abcdef" };
  const first = await post("/v1/acquire", body, headers);
  const again = await post("/v1/acquire", body, headers);
  expect(again.json.lease_id).toBe(first.json.lease_id);
  expect(first.headers["x-idempotent-replay"]).toBeUndefined();
  expect(again.headers["x-idempotent-replay"]).toBe("true");
  const other = await post("/v1/acquire", { ...body, ttl_seconds: 31 }, headers);
  expect([other.status, other.json.error]).toEqual([409, "idempotency_conflict"]);
  expect(other.json.lease_id).toBeUndefined();
  const short = await post("/v1/acquire", body, { "X-Idempotency-Key": "short" });
  expect([short.status, short.json.error]).toEqual([400, "invalid_idempotency_key"]);
});
