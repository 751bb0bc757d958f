/** Update, get, remove, metadata and mutate on the wire (http-core.md cases 31 to 68). */
import { dechunked, headerIn } from "../../server/raw-chunks.ts";
import { RawConnection } from "../../server/raw-http.ts";
import { expect, freshKey, sha256, test } from "../lockd-suite.ts";
import type { Wire, WireLease } from "./wire.ts";

export function updateWireCases(wire: Wire): void {
  test("31 to 34: what is staged, and what is published", async () => {
    const lease = await wire.lease();
    const etag = sha256('{"a":1}');
    const updated = await wire.update(lease, '{ "a" : 1 }');
    expect(updated.json).toEqual({ new_version: 1, new_state_etag: etag, bytes: 7, metadata: {} });
    expect(updated.headers).toMatchObject({
      "x-key-version": "1",
      etag,
      "content-type": "application/json",
    });
    const own = await wire.post(`/v1/get${lease.query}`, "", lease.headers);
    expect([own.status, own.text]).toEqual([200, '{"a":1}']);
    expect(own.headers).toMatchObject({
      etag,
      "x-key-version": "1",
      "x-fencing-token": "1",
      "content-length": "7",
      "content-type": "application/json",
    });
    const hidden = await wire.publicly(lease.key);
    expect([hidden.status, hidden.text]).toEqual([204, ""]);
    for (const name of ["etag", "x-key-version", "x-fencing-token"]) {
      expect(hidden.headers).not.toHaveProperty(name);
    }
    await wire.release(lease);
    const published = await wire.publicly(lease.key);
    expect([published.status, published.text]).toEqual([200, '{"a":1}']);
    expect(published.headers).toMatchObject({ etag, "x-key-version": "1" });
    expect(published.headers).not.toHaveProperty("x-fencing-token");
  });

  test("35, 36, 50: a second version is one version, private until it is released", async () => {
    const key = freshKey();
    await wire.commit(key, "1");
    const lease = await wire.lease({ key });
    for (const body of ["2", "3"]) {
      const { json, headers } = await wire.update(lease, body);
      expect([json.new_version, headers["x-key-version"]]).toEqual([2, "2"]);
    }
    const seen = await wire.publicly(key);
    expect([seen.text, seen.headers["x-key-version"]]).toEqual(["1", "1"]);
    expect((await wire.release(lease, { rollback: true })).json).toEqual({ released: true });
    const after = await wire.publicly(key);
    expect([after.text, after.headers["x-key-version"]]).toEqual(["1", "1"]);
  });

  test("37: bytes are kept as they came", async () => {
    const text = '{"b":1.0,"a":12345678901234567890,"a":"\\u00e9"}';
    const lease = await wire.lease();
    await wire.update(lease, text);
    expect((await wire.post(`/v1/get${lease.query}`, "", lease.headers)).text).toBe(text);
  });

  test("38: what is no value, and what is one", async () => {
    const lease = await wire.lease();
    for (const bad of ["", " ", "{", "{}{}", "01"]) {
      expect(await wire.refused(wire.update(lease, bad))).toBe("400 invalid_body");
    }
    for (const [text, bytes] of [
      ["null", 4],
      ['"x"', 3],
      ["[ ]", 2],
    ] as const) {
      expect((await wire.update(lease, text)).json.bytes).toBe(bytes);
    }
    expect((await wire.post(`/v1/get${lease.query}`, "", lease.headers)).text).toBe("[]");
  });

  test("40, 41: conditions tell what they were compared with", async () => {
    const key = freshKey();
    await wire.commit(key, "1");
    const lease = await wire.lease({ key });
    const now = { current_version: 1, current_etag: sha256("1") };
    const update = (headers: Record<string, string>) => wire.update(lease, "2", headers);
    const stale = await update({ "X-If-Version": "0" });
    expect([stale.status, stale.json]).toMatchObject([409, { error: "version_conflict", ...now }]);
    const other = await update({ "X-If-State-ETag": "other" });
    expect([other.status, other.json]).toMatchObject([409, { error: "etag_mismatch", ...now }]);
    expect((await update({ "X-If-State-ETag": "*" })).json.error).toBe("etag_mismatch");
    const both = await update({ "X-If-Version": "7", "X-If-State-ETag": "other" });
    expect(both.json.error).toBe("version_conflict");
    for (const bad of ["one", "1.0", "9223372036854775808"]) {
      expect(await wire.refused(update({ "X-If-Version": bad }))).toBe("400 invalid_version");
    }
    const right = { "X-If-Version": "1", "X-If-State-ETag": ` "${now.current_etag}" ` };
    expect((await update(right)).status).toBe(200);
    expect((await update({ "X-If-Version": " ", "X-If-State-ETag": "" })).status).toBe(200);
    const staged = await update({ "X-If-Version": "1" });
    expect(staged.json).toMatchObject({ current_version: 2, current_etag: sha256("1") });
  });

  test("42: length and checksum of the body as sent", async () => {
    const lease = await wire.lease();
    const raw = ' { "a" : 1 } ';
    const update = (headers: Record<string, string>) => wire.update(lease, raw, headers);
    const right = {
      "X-Expected-SHA256": sha256(raw).toUpperCase(),
      "X-Expected-Bytes": String(raw.length),
    };
    expect((await update(right)).json.bytes).toBe(7);
    for (const [name, value, code] of [
      ["X-Expected-SHA256", sha256("x"), "409 expected_sha256_mismatch"],
      ["X-Expected-SHA256", sha256('{"a":1}'), "409 expected_sha256_mismatch"],
      ["X-Expected-SHA256", "0123456789", "400 invalid_expected_sha256"],
      ["X-Expected-SHA256", "g".repeat(64), "400 invalid_expected_sha256"],
      ["X-Expected-Bytes", "7", "409 expected_bytes_mismatch"],
      ["X-Expected-Bytes", "abc", "400 invalid_expected_bytes"],
      ["X-Expected-Bytes", "-1", "400 invalid_expected_bytes"],
    ] as const) {
      expect(await wire.refused(update({ [name]: value }))).toBe(code);
    }
  });

  test("43: octets in chunks are a state like any other", async () => {
    const lease = await wire.lease();
    const raw = new RawConnection(wire.url);
    const headers = { ...lease.headers, "Content-Type": "application/octet-stream" };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    raw.say(
      `POST /v1/update${lease.query} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n` +
        `Connection: close\r\n${lines.join("")}\r\n`,
    );
    for (const part of ["[1,", " 2]"]) raw.say(`${part.length.toString(16)}\r\n${part}\r\n`);
    raw.say("0\r\n\r\n");
    await raw.closed();
    const { head, body } = dechunked(raw.heard);
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(JSON.parse(body)).toMatchObject({ new_version: 1, bytes: 5 });
    expect(headerIn(head, "ETag")).toBe(sha256("[1,2]"));
  });

  test("44: what is missing, in the order of an update's checks", async () => {
    const lease = await wire.lease();
    const code = (query: string, headers: Record<string, string>, body = "{") =>
      wire.refused(wire.post(`/v1/update${query}`, body, headers));
    const {
      "X-Lease-ID": id = "",
      "X-Txn-ID": txn = "",
      "X-Fencing-Token": token = "",
    } = lease.headers;
    expect(await code("", {})).toBe("400 missing_key");
    expect(await code("?key=a//b&namespace=.x", {})).toBe("400 invalid_namespace");
    expect(await code("?key=a//b", {})).toBe("400 invalid_key");
    expect(await code(lease.query, {})).toBe("400 missing_lease");
    expect(await code(lease.query, { "X-Lease-ID": id })).toBe("400 missing_txn");
    const ids = { "X-Lease-ID": id, "X-Txn-ID": txn };
    expect(await code(lease.query, ids)).toBe("400 missing_fencing_token");
    const wrong = {
      ...ids,
      "X-Fencing-Token": token,
      "X-If-Version": "x",
      "X-Expected-Bytes": "x",
      "X-Lockd-Meta-Query-Hidden": "maybe",
      "X-Expected-SHA256": "x",
    };
    expect(await code(lease.query, wrong)).toBe("400 invalid_version");
    const order = [
      ["X-If-Version", "400 invalid_expected_bytes"],
      ["X-Expected-Bytes", "400 invalid_metadata"],
      ["X-Lockd-Meta-Query-Hidden", "400 invalid_expected_sha256"],
      ["X-Expected-SHA256", "400 invalid_body"],
    ] as const;
    let headers: Record<string, string> = wrong;
    for (const [name, next] of order) {
      headers = { ...headers, [name]: "" };
      expect(await code(lease.query, headers)).toBe(next);
    }
  });
}

export function readingWireCases(wire: Wire): void {
  test("45: metadata rides along, in one spelling only", async () => {
    const lease = await wire.lease();
    const name = "X-Lockd-Meta-Query-Hidden";
    for (const value of ["1", "t", "T", "TRUE", "true", "True"]) {
      const { json } = await wire.update(lease, "1", { [name]: value });
      expect(json.metadata).toEqual({ query_hidden: true });
    }
    for (const value of ["0", "f", "F", "FALSE", "false", "False"]) {
      expect((await wire.update(lease, "1", { [name]: value })).json.metadata).toEqual({});
    }
    for (const value of ["maybe", "yes", "tRUE"]) {
      const refused = wire.update(lease, "1", { [name]: value });
      expect(await wire.refused(refused)).toBe("400 invalid_metadata");
    }
  });

  test("46, 47: what a read needs", async () => {
    const lease = await wire.lease();
    const get = (query: string, headers: Record<string, string> = {}) =>
      wire.refused(wire.post(`/v1/get${query}`, "", headers));
    const token = { "X-Fencing-Token": "1" };
    expect(await get("")).toBe("400 missing_params");
    expect(await get(lease.query)).toBe("400 missing_fencing_token");
    expect(await get(`${lease.query}&public=0`)).toBe("400 missing_fencing_token");
    expect(await get(lease.query, token)).toBe("400 missing_params");
    const stale = { ...token, "X-Lease-ID": "00000000000000000000" };
    expect(await get(`${lease.query}&public=1`, stale)).toBe("403 lease_required");
    const wrong = { ...lease.headers, "X-Fencing-Token": "2" };
    expect(await get(lease.query, wrong)).toBe("403 fencing_mismatch");
    expect(await get("?key=a//b&public=on")).toBe("400 invalid_key");
  });

  test("48, 49: nothing is 204, by either method", async () => {
    const key = freshKey();
    for (const method of ["GET", "POST"] as const) {
      const { status, text } = await wire.ask(`/v1/get?key=${key}&public=true`, { method });
      expect([status, text]).toEqual([204, ""]);
    }
    await wire.commit(key, "[]");
    const [one, other] = await Promise.all(
      (["GET", "POST"] as const).map((method) =>
        wire.ask(`/v1/get?key=${key}&public=true`, { method }),
      ),
    );
    expect(one?.text).toBe("[]");
    const same = ["etag", "x-key-version", "content-type", "content-length"];
    for (const name of same) expect(one?.headers[name]).toBe(other?.headers[name]);
  });
}

export function removalWireCases(wire: Wire): void {
  const remove = (lease: WireLease, headers: Record<string, string> = {}) =>
    wire.post(`/v1/remove${lease.query}`, "", { ...lease.headers, ...headers });

  test("60 to 63: removed, or nothing to remove", async () => {
    const lease = await wire.lease();
    const nothing = await remove(lease);
    expect(nothing.text.trim()).toBe('{"removed":false}');
    expect(nothing.headers["x-key-version"]).toBe("0");
    await wire.update(lease, "1");
    await wire.release(lease);
    const second = await wire.lease({ key: lease.key });
    const removed = await remove(second);
    expect(removed.json).toEqual({ removed: true, new_version: 2 });
    expect(removed.headers["x-key-version"]).toBe("2");
    expect((await remove(second)).json).toEqual({ removed: true, new_version: 3 });
    const own = await wire.post(`/v1/get${lease.query}`, "", second.headers);
    expect([own.status, own.headers["x-key-version"]]).toEqual([204, undefined]);
    expect((await wire.publicly(lease.key)).status).toBe(200);
    const stale = await remove(second, { "X-If-Version": "1" });
    expect([stale.status, stale.json]).toMatchObject([
      409,
      { error: "version_conflict", current_version: 3, current_etag: sha256("1") },
    ]);
    await wire.release(second);
    expect((await wire.publicly(lease.key)).status).toBe(204);
    const described = (await wire.describe(lease.key)).json;
    expect(described.version).toBe(3);
    expect(described).not.toHaveProperty("state_etag");
    const third = await wire.lease({ key: lease.key });
    expect(third.answer.json).toMatchObject({ version: 3, fencing_token: 3 });
    expect((await remove(third)).json).toEqual({ removed: false, new_version: 3 });
    expect(await wire.refused(wire.acquire({ key: lease.key, if_not_exists: true }))).toBe(
      "409 already_exists",
    );
  });

  test("64, 65, 66: metadata alone", async () => {
    const key = freshKey();
    await wire.commit(key, "1");
    const lease = await wire.lease({ key });
    const metadata = (body: string, headers: Record<string, string> = {}) =>
      wire.post(`/v1/metadata${lease.query}`, body, { ...lease.headers, ...headers });
    const hidden = await metadata('{"query_hidden":true}');
    expect(hidden.json).toEqual({
      namespace: "default",
      key,
      version: 2,
      metadata: { query_hidden: true },
    });
    expect(hidden.headers["x-key-version"]).toBe("2");
    for (const body of ["", "{}", '{"query_hidden":null}', '{"query_hidden":"true"}', "["]) {
      expect(await wire.refused(metadata(body))).toBe("400 invalid_metadata");
    }
    const header = { "X-Lockd-Meta-Query-Hidden": "false" };
    expect((await metadata('{"query_hidden":true}', header)).json.metadata).toEqual({});
    await metadata("", { "X-Lockd-Meta-Query-Hidden": "T" });
    expect(await wire.refused(metadata("{}", { "X-If-Version": "x", ...header }))).toBe(
      "400 invalid_version",
    );
    expect((await wire.update(lease, "2", { "X-If-Version": "1" })).status).toBe(200);
    await wire.release(lease, { rollback: true });
    const again = await wire.lease({ key });
    await wire.post(`/v1/metadata${again.query}`, '{"query_hidden":true}', again.headers);
    await wire.release(again);
    expect((await wire.describe(key)).json).toMatchObject({
      version: 1,
      metadata: { query_hidden: true },
    });
    expect((await wire.publicly(key)).text).toBe("1");
  });

  test("67, 68: a mutation says what it did, or what was wrong", async () => {
    const lease = await wire.lease();
    const mutate = (mutations: unknown) =>
      wire.post(`/v1/mutate${lease.query}`, { mutations }, lease.headers);
    const done = await mutate(["/count=1"]);
    const text = '{"count":1}';
    expect(done.json).toEqual({
      new_version: 1,
      new_state_etag: sha256(text),
      bytes: text.length,
      metadata: {},
    });
    expect(done.headers).toMatchObject({
      "x-key-version": "1",
      etag: sha256(text),
      "x-lockd-mutate-candidates-seen": "1",
      "x-lockd-mutate-candidates-written": "1",
    });
    expect(await wire.refused(mutate([]))).toBe("400 invalid_body");
    expect(await wire.refused(mutate(["/broken"]))).toBe("400 invalid_mutations");
    expect(await wire.refused(mutate(["file:/p=/etc/hostname"]))).toBe("400 invalid_mutations");
    await wire.update(lease, "[1]");
    expect(await wire.refused(mutate(["/count=1"]))).toBe("400 invalid_body");
    expect((await wire.post(`/v1/get${lease.query}`, "", lease.headers)).text).toBe("[1]");
  });
}
