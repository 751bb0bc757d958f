/** Acquire, keepalive, release and describe on the wire (http-core.md cases 1 to 30, 50 to 59). */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, freshKey, longAgo, sha256, test } from "../lockd-suite.ts";
import { uuid7, type Wire, type WireLease, xid } from "./wire.ts";

const seconds = (): number => Math.floor(Date.now() / 1000);

export function acquireWireCases(wire: Wire): void {
  test("1: exactly these members, and the headers say the same", async () => {
    const key = freshKey();
    const { answer } = await wire.lease({ key });
    expect(answer.json).toEqual({
      namespace: "default",
      key,
      owner: "w",
      lease_id: expect.stringMatching(xid),
      txn_id: expect.stringMatching(xid),
      expires_at_unix: expect.any(Number),
      version: 0,
      fencing_token: 1,
      correlation_id: answer.headers["x-correlation-id"],
    });
    expect(answer.headers).toMatchObject({
      "x-fencing-token": "1",
      "x-key-version": "0",
      "content-type": "application/json",
    });
    expect(answer.headers).not.toHaveProperty("etag");
    expect(answer.headers["x-correlation-id"]).toMatch(uuid7);
  });

  test("2, 3: a key from the query, from the body first, or a generated one", async () => {
    const key = freshKey();
    const body = { owner: "w", block_seconds: -1 };
    const asked = await wire.post(`/v1/acquire?key=${key}&namespace=Elsewhere`, body);
    expect(asked.json).toMatchObject({ key, namespace: "elsewhere" });
    const found = await wire.ask(`/v1/describe?key=${key}&namespace=elsewhere`);
    expect(found.json.lease_id).toBe(asked.json.lease_id);
    const first = freshKey();
    expect((await wire.post(`/v1/acquire?key=${key}`, { ...body, key: first })).json.key).toBe(
      first,
    );
    expect((await wire.acquire()).json.key).toMatch(uuid7);
    expect((await wire.acquire({ key: "" })).json.key).toMatch(uuid7);
  });

  test("4, 34: waiting tells what is committed, and the next lease too", async () => {
    const key = freshKey();
    await wire.commit(key, '{"a":1}');
    const etag = sha256('{"a":1}');
    const { answer } = await wire.lease({ key });
    expect(answer.json).toMatchObject({ version: 1, state_etag: etag, fencing_token: 2 });
    expect(answer.headers).toMatchObject({ "x-key-version": "1", "x-fencing-token": "2" });
    const refused = await wire.acquire({ key });
    expect(refused.status).toBe(409);
    expect(refused.json).toEqual({
      error: "waiting",
      detail: expect.any(String),
      current_version: 1,
      current_etag: etag,
      retry_after_seconds: expect.any(Number),
    });
    expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(30);
  });

  test("5: two seconds of waiting are two seconds", async () => {
    const { key } = await wire.lease();
    const from = performance.now();
    const refused = await wire.acquire({ key, block_seconds: 2 });
    const waited = performance.now() - from;
    expect([refused.status, refused.json.error]).toEqual([409, "waiting"]);
    expect(waited).toBeGreaterThan(1_950);
    expect(waited).toBeLessThan(10_000);
  });

  test("12, 13: a key that exists is no new one", async () => {
    const lease = await wire.lease();
    await wire.release(lease);
    const again = { key: lease.key, if_not_exists: true, block_seconds: 5 };
    expect(await wire.refused(wire.acquire(again))).toBe("409 already_exists");
  });

  test.each([
    ["14", { owner: " " }, "400 missing_owner"],
    ["14", { owner: undefined }, "400 missing_owner"],
    ["15", { txn_id: "nope" }, "400 invalid_txn"],
    ["15", { txn_id: "9m4e2mr0ui3e8a215n41" }, "400 invalid_txn"],
    ["17", { namespace: ".txns" }, "400 invalid_namespace"],
    ["18", { key: "a//b" }, "400 invalid_key"],
    ["18", { key: "a/" }, "400 invalid_key"],
    ["18", { key: "sp ace" }, "400 invalid_key"],
    ["18", { key: "a/../b" }, "400 invalid_key"],
    ["18", { key: "x".repeat(129) }, "400 invalid_key"],
  ])("%s: %j is %s", async (_case, more, code) => {
    const answer = await wire.acquire({ key: freshKey(), ...more });
    expect(`${answer.status} ${answer.json.error}`).toBe(code);
    expect(Object.keys(answer.json).sort()).toEqual(["detail", "error"]);
  });

  test("the order of an acquire's checks: namespace, owner, key, transaction", async () => {
    const wrong = { namespace: ".x", owner: "", key: "//", txn_id: "nope" };
    const code = (more: object) => wire.refused(wire.acquire({ ...wrong, ...more }));
    expect(await code({})).toBe("400 invalid_namespace");
    expect(await code({ namespace: "x" })).toBe("400 missing_owner");
    expect(await code({ namespace: "x", owner: "w" })).toBe("400 invalid_key");
    expect(await code({ namespace: "x", owner: "w", key: "k" })).toBe("400 invalid_txn");
  });

  test("19, 20: the key is echoed as it was written, without the namespace", async () => {
    const key = freshKey("Orders");
    const { answer } = await wire.lease({ key: ` default/${key} ` });
    expect(answer.json.key).toBe(key);
    const described = await wire.describe(key.toUpperCase());
    expect(described.json).toMatchObject({
      key: key.toUpperCase(),
      lease_id: answer.json.lease_id,
    });
  });

  test("48: describe of nothing, of a lease, of a state", async () => {
    const key = freshKey();
    const nothing = { namespace: "default", key, version: 0, metadata: {} };
    expect((await wire.describe(key)).json).toEqual(nothing);
    const lease = await wire.lease({ key });
    const { lease_id, expires_at_unix } = lease.answer.json;
    const updated_at_unix = expect.any(Number);
    const held = { ...nothing, owner: "w", lease_id, expires_at_unix, updated_at_unix };
    expect((await wire.describe(key)).json).toEqual(held);
    await wire.update(lease, "1");
    expect((await wire.describe(key)).json).toEqual(held);
    await wire.release(lease);
    expect((await wire.describe(key)).json).toEqual({
      ...nothing,
      version: 1,
      state_etag: sha256("1"),
      updated_at_unix,
    });
    expect(await wire.refused(wire.ask("/v1/describe"))).toBe("400 missing_key");
    expect(await wire.refused(wire.ask("/v1/describe?key=a//b"))).toBe("400 invalid_key");
  });
}

export function holdingWireCases(wire: Wire): void {
  const keepalive = (lease: WireLease, more: object = {}, headers: object = {}) =>
    wire.post("/v1/keepalive", { ...lease.body, ...more }, { ...lease.headers, ...headers });

  test("25, 29: keepalive beside nothing, a staged state, a staged removal", async () => {
    const lease = await wire.lease();
    const kept = await keepalive(lease, { ttl_seconds: 60, fencing_token: 9 });
    expect(kept.json).toEqual({ expires_at_unix: expect.any(Number) });
    expect(Math.abs(Number(kept.json.expires_at_unix) - seconds() - 60)).toBeLessThan(5);
    expect(kept.headers["x-fencing-token"]).toBe("1");
    await wire.update(lease, "[1]");
    const staged = await keepalive(lease);
    expect(staged.json).toEqual({
      expires_at_unix: expect.any(Number),
      version: 1,
      state_etag: sha256("[1]"),
    });
    await wire.post(`/v1/remove${lease.query}`, "", lease.headers);
    expect((await keepalive(lease)).json).toEqual({
      expires_at_unix: expect.any(Number),
      version: 2,
    });
    expect(await wire.refused(keepalive(lease, { foo: 1 }))).toBe("400 invalid_body");
  });

  test("26, 27: token, transaction and lease, in this order", async () => {
    const key = freshKey();
    await wire.commit(key, "1");
    const lease = await wire.lease({ key });
    const { "X-Lease-ID": leaseId, "X-Fencing-Token": token } = lease.headers;
    const ask = (body: object, headers: Record<string, string>) =>
      wire.refused(wire.post("/v1/keepalive", { ...lease.body, ...body }, headers));
    expect(await ask({}, {})).toBe("400 missing_fencing_token");
    expect(await ask({}, { "X-Fencing-Token": " " })).toBe("400 missing_fencing_token");
    expect(await ask({}, { "X-Fencing-Token": "x" })).toBe("400 invalid_fencing_token");
    expect(await ask({}, { "X-Fencing-Token": "1.0" })).toBe("400 invalid_fencing_token");
    expect(await ask({}, { "X-Fencing-Token": "7" })).toBe("403 fencing_mismatch");
    const right = { "X-Fencing-Token": String(token) };
    expect(await ask({ key: undefined }, right)).toBe("400 missing_key");
    expect(await ask({ lease_id: undefined }, right)).toBe("400 missing_lease");
    expect(await ask({ txn_id: undefined }, right)).toBe("400 missing_txn");
    expect(await ask({ txn_id: longAgo }, right)).toBe("409 txn_mismatch");
    expect(await ask({ lease_id: longAgo }, right)).toBe("403 lease_required");
    const refused = await keepalive(lease, { lease_id: longAgo });
    expect(refused.json).toMatchObject({ current_version: 1, current_etag: sha256("1") });
    const byQuery = { lease_id: leaseId, txn_id: lease.body.txn_id };
    expect((await wire.post(`/v1/keepalive?key=${key}`, byQuery, right)).status).toBe(200);
  });

  test("28, 54: expired once, then not held; releasing it succeeds", async () => {
    const leases = [await wire.lease({ ttl_seconds: 6 }), await wire.lease({ ttl_seconds: 6 })];
    const [kept, released] = leases as [WireLease, WireLease];
    for (const lease of leases) expect((await wire.update(lease, "1")).status).toBe(200);
    await sleep(1_000 * Number(released.answer.json.expires_at_unix) - Date.now() + 50);
    expect(await wire.refused(keepalive(kept))).toBe("403 lease_expired");
    expect(await wire.refused(keepalive(kept))).toBe("403 lease_required");
    const answer = await wire.release(released);
    expect([answer.status, answer.text.trim()]).toEqual([200, '{"released":true}']);
    expect((await wire.describe(released.key)).json).not.toHaveProperty("lease_id");
    for (const { key } of leases) expect((await wire.publicly(key)).status).toBe(204);
  });

  test("30: the state of a message is told apart by the shape of its key", async () => {
    const lease = await wire.lease({ key: `q/x/state/${freshKey("m").replace("/", "-")}` });
    expect(await wire.refused(keepalive(lease))).toBe("403 queue_state_keepalive_unsupported");
  });

  test("51, 52, 53: release, from the token on", async () => {
    const lease = await wire.lease();
    const ask = async (more: object, headers = lease.headers) => {
      const { status, json } = await wire.post("/v1/release", { ...lease.body, ...more }, headers);
      return status === 200 ? json : `${status} ${json.error}`;
    };
    expect(await ask({}, {})).toBe("400 missing_fencing_token");
    expect(await ask({}, { "X-Fencing-Token": "x" })).toBe("400 invalid_fencing_token");
    expect(await ask({ foo: 1 })).toBe("400 invalid_body");
    expect(await ask({ key: undefined })).toBe("400 missing_key");
    expect(await ask({ key: "a//b" })).toBe("400 invalid_key");
    expect(await ask({ lease_id: undefined })).toBe("400 missing_lease");
    expect(await ask({ txn_id: undefined })).toBe("400 missing_txn");
    expect(await ask({ txn_id: longAgo })).toBe("409 txn_mismatch");
    expect(await ask({}, { "X-Fencing-Token": "9" })).toEqual({ released: true });
    expect(await ask({ lease_id: longAgo })).toEqual({ released: true });
    expect((await keepalive(lease)).status).toBe(200);
    expect(await ask({ fencing_token: 9 })).toEqual({ released: true });
    expect(await ask({})).toEqual({ released: true });
    expect(await ask({ key: freshKey() })).toEqual({ released: true });
  });

  test.each([
    ["57", false],
    ["58", true],
  ])(
    "%s: two keys of one transaction, the first released with rollback %s",
    async (_case, rollback) => {
      const { answer } = await wire.lease();
      const { txn_id } = answer.json;
      const [a, b] = [await wire.lease({ txn_id }), await wire.lease({ txn_id })];
      for (const lease of [a, b]) await wire.update(lease, "1");
      expect((await wire.release(a, { rollback })).json).toEqual({ released: true });
      for (const { key } of [a, b]) {
        expect((await wire.publicly(key)).status).toBe(rollback ? 204 : 200);
        expect((await wire.describe(key)).json).not.toHaveProperty("lease_id");
      }
      expect((await wire.release(b)).json).toEqual({ released: true });
      expect((await wire.acquire({ key: b.key })).json.fencing_token).toBe(2);
    },
  );
}
