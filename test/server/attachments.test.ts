/** Attachments on the wire (http-core.md section 10.10): headers, framing, broken connections. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { type Answer, type Call, call, RawConnection } from "./raw-http.ts";

let directory: string;
let server: RealServer;
let keys = 0;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "lockd-attachments-"));
  server = await startRealServer({ directory });
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Held {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly release: (rollback?: boolean) => Promise<Answer>;
}

async function held(key = `wire/${keys++}`): Promise<Held> {
  const body = JSON.stringify({ key, owner: "w", ttl_seconds: 60, block_seconds: -1 });
  const { json } = await call(`${server.url}/v1/acquire`, { body });
  const { lease_id, txn_id, fencing_token } = json as Record<string, string>;
  const token = String(fencing_token);
  return {
    key,
    headers: {
      "X-Lease-ID": String(lease_id),
      "X-Txn-ID": String(txn_id),
      "X-Fencing-Token": token,
    },
    release: (rollback = false) =>
      call(`${server.url}/v1/release`, {
        headers: { "X-Fencing-Token": token },
        body: JSON.stringify({ key, lease_id, txn_id, rollback }),
      }),
  };
}

function send(held: Held, target: string, options: Call = {}): Promise<Answer> {
  const joined = `${server.url}/v1/${target}${target.includes("?") ? "&" : "?"}key=${held.key}`;
  return call(joined, { ...options, headers: { ...held.headers, ...options.headers } });
}

function publicly(key: string, target: string): Promise<Answer> {
  return call(`${server.url}/v1/${target}${target.includes("?") ? "&" : "?"}public=1&key=${key}`);
}

/** A request as text; the body is said by the caller. */
function uploadHead(held: Held, query: string, framing: string): string {
  const headers = Object.entries(held.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const target = `/v1/attachments?key=${held.key}&${query}`;
  return `POST ${target} HTTP/1.1\r\nHost: x\r\n${headers.join("")}${framing}\r\n\r\n`;
}

function temporaryFiles(): string[] {
  const place = path.join(directory, "content", "tmp");
  return existsSync(place) ? readdirSync(place) : [];
}

test("69: an upload and its download, header by header", async () => {
  const lease = await held();
  const put = await send(lease, "attachments?name=p.bin", {
    body: "thirteen byte",
    headers: { "Content-Type": "text/plain; charset=utf-8" },
  });
  expect(put.status).toBe(200);
  expect(Object.keys(put.json).sort()).toEqual(["attachment", "version"]);
  const info = put.json.attachment as Record<string, unknown>;
  expect(info).toMatchObject({
    name: "p.bin",
    size: 13,
    content_type: "text/plain; charset=utf-8",
  });
  expect(put.headers).toMatchObject({
    "x-attachment-id": info.id,
    "x-key-version": "1",
    "x-fencing-token": "1",
  });
  await lease.release();
  const got = await publicly(lease.key, "attachment?name=p.bin");
  expect(got.text).toBe("thirteen byte");
  expect(got.headers).toMatchObject({
    "content-type": "text/plain; charset=utf-8",
    "content-length": "13",
    "x-attachment-size": "13",
    "x-attachment-id": info.id,
    "x-attachment-name": "p.bin",
    "x-attachment-created-at": String(info.created_at_unix),
    "x-attachment-updated-at": String(info.updated_at_unix),
    "x-attachment-sha256": info.plaintext_sha256,
  });
  const listed = await publicly(lease.key, "attachments");
  expect(listed.json).toEqual({ namespace: "default", key: lease.key, attachments: [info] });
});

test("70: nothing staged is public, and the list of nothing is []", async () => {
  const lease = await held();
  await send(lease, "attachments?name=f", { body: "x" });
  expect((await publicly(lease.key, "attachments")).json.attachments).toEqual([]);
  expect((await send(lease, "attachments")).json.attachments).toHaveLength(1);
  expect((await send(lease, "get", { method: "POST" })).status).toBe(204);
  const hidden = await publicly(lease.key, "attachment?name=f");
  expect([hidden.status, hidden.json.error]).toEqual([404, "attachment_not_found"]);
});

test("71: a no-op says so, ignores the body and leaves the connection usable", async () => {
  const lease = await held();
  await send(lease, "attachments?name=f", { body: "first" });
  const raw = new RawConnection(server.url);
  raw.say(uploadHead(lease, "name=f&prevent_overwrite=yes", "Content-Length: 200000"));
  raw.say("x".repeat(200_000));
  raw.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  const heard = await raw.until(/"noop":true[\s\S]*HTTP\/1\.1 200 OK/);
  expect(heard).not.toMatch(/X-Fencing-Token/i);
  raw.socket.destroy();
  expect((await send(lease, "attachment?name=f", { method: "GET" })).text).toBe("first");
});

test("an upload right behind a download, on the same connection, is no pipelined one", async () => {
  const lease = await held();
  await send(lease, "attachments?name=f", { body: "x".repeat(20_000) });
  const raw = new RawConnection(server.url);
  const headers = Object.entries(lease.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const target = `/v1/attachment?key=${lease.key}&name=f`;
  const download = `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers.join("")}\r\n`;
  const upload = uploadHead(lease, "name=g", "Transfer-Encoding: chunked");
  for (let round = 0; round < 100; round += 1) {
    raw.heard = "";
    raw.say(download);
    await raw.until(/x{20000}$/);
    raw.say(`${upload}5\r\nround\r\n0\r\n\r\n`);
    await raw.until(/"name":"g"[\s\S]*\}$/);
  }
  raw.socket.destroy();
});

test("72: too much is 413 wherever it is noticed, and the connection goes on", async () => {
  const lease = await held();
  await send(lease, "attachments?name=f", { body: "four" });
  const raw = new RawConnection(server.url);
  raw.say(uploadHead(lease, "name=f&max_bytes=100000", "Transfer-Encoding: chunked"));
  const piece = `${(70_000).toString(16)}\r\n${"x".repeat(70_000)}\r\n`;
  raw.say(piece + piece);
  await raw.until(/HTTP\/1\.1 413 [\s\S]*attachment_too_large/);
  raw.say("0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await raw.until(/attachment_too_large[\s\S]*HTTP\/1\.1 200 OK/);
  raw.socket.destroy();
  expect((await send(lease, "attachment?name=f", { method: "GET" })).text).toBe("four");
  const bad = await send(lease, "attachments?name=f&max_bytes=-1", { body: "x" });
  expect([bad.status, bad.json.error]).toEqual([400, "invalid_max_bytes"]);
  await expect.poll(temporaryFiles).toEqual([]);
});

test("73: deletions answer what they did, without a version while there is none", async () => {
  const lease = await held();
  const none = await send(lease, "attachment?name=f", { method: "DELETE" });
  expect(none.text).toBe('{"deleted":false}');
  expect(none.headers).not.toHaveProperty("x-key-version");
  expect(none.headers).toMatchObject({ "x-fencing-token": "1" });
  await send(lease, "attachments?name=a", { body: "x" });
  await send(lease, "attachments?name=b", { body: "" });
  const one = await send(lease, "attachment?name=a", { method: "DELETE" });
  expect([one.text, one.headers["x-key-version"]]).toEqual(['{"deleted":true,"version":1}', "1"]);
  const all = await send(lease, "attachments", { method: "DELETE" });
  expect(all.text).toBe('{"deleted":1,"version":1}');
  const neither = await send(lease, "attachment", { method: "DELETE" });
  expect(neither.json.error).toBe("missing_attachment");
});

test("75: other methods are 405 with Allow, HEAD among them", async () => {
  const put = await call(`${server.url}/v1/attachments?key=k`, { method: "PUT", body: "x" });
  expect([put.status, put.json.error]).toEqual([405, "method_not_allowed"]);
  expect(put.headers.allow).toBe("GET, POST, DELETE");
  const post = await call(`${server.url}/v1/attachment?key=k`, { method: "POST", body: "x" });
  expect([post.status, post.headers.allow]).toEqual([405, "GET, DELETE"]);
  const raw = new RawConnection(server.url);
  raw.say("HEAD /v1/attachment?key=k&public=1&name=f HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await raw.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 405 [\s\S]*\nAllow: GET, DELETE\r\n/);
  raw.socket.destroy();
});

test("an empty attachment has a length and no size header", async () => {
  const lease = await held();
  await send(lease, "attachments?name=empty", { body: "" });
  const got = await send(lease, "attachment?name=empty", { method: "GET" });
  expect([got.status, got.text, got.headers["content-length"]]).toEqual([200, "", "0"]);
  expect(got.headers).not.toHaveProperty("x-attachment-size");
});

test("a name's bytes stand in the header as UTF-8, control characters as spaces", async () => {
  const lease = await held();
  const name = "ä\n日\u0001.txt";
  await send(lease, `attachments?name=${encodeURIComponent(name)}`, { body: "x" });
  await send(lease, `attachments?name=${encodeURIComponent("a\u0001b")}`, { body: "x" });
  await lease.release();
  const raw = new RawConnection(server.url);
  const query = `key=${lease.key}&public=1&name=${encodeURIComponent(name)}`;
  raw.say(`GET /v1/attachment?${query} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const heard = Buffer.from(await raw.until(/\r\n\r\nx/), "latin1").toString("utf8");
  raw.socket.destroy();
  expect(heard).toContain("X-Attachment-Name: ä 日 .txt\r\n");
  const listed = await publicly(lease.key, "attachments");
  expect(listed.json.attachments).toMatchObject([{ name: "a\u0001b" }, { name }]);
});

test("a content type comes from the query, then from the header, then by default", async () => {
  const lease = await held();
  const typeOf = async (query: string, headers: Record<string, string>): Promise<unknown> => {
    const put = await send(lease, `attachments?name=f${query}`, { body: "x", headers });
    return (put.json.attachment as { content_type: string }).content_type;
  };
  expect(await typeOf("&content_type=a%2Fb", { "Content-Type": "c/d" })).toBe("a/b");
  expect(await typeOf("", { "Content-Type": "c/d" })).toBe("c/d");
  expect(await typeOf("&content_type=", {})).toBe("application/octet-stream");
  const injected = await send(lease, "attachments?name=f&content_type=a%0D%0AX:%20y", { body: "" });
  expect([injected.status, injected.json.error]).toEqual([400, "invalid_attachment"]);
});

test("a client that breaks off its upload leaves nothing", async () => {
  const lease = await held();
  const raw = new RawConnection(server.url);
  raw.say(uploadHead(lease, "name=f", "Content-Length: 10000000"));
  raw.say("x".repeat(3_000_000));
  await expect.poll(temporaryFiles, { timeout: 10_000 }).toHaveLength(1);
  raw.socket.destroy();
  await expect.poll(temporaryFiles, { timeout: 10_000 }).toEqual([]);
  expect((await send(lease, "attachments")).json.attachments).toEqual([]);
  expect((await lease.release()).status).toBe(200);
  expect((await publicly(lease.key, "attachments")).json.attachments).toEqual([]);
});

test("a reader that stops reading holds up nobody, and may go", async () => {
  const lease = await held();
  const size = 30_000_000;
  await send(lease, "attachments?name=f", { body: randomBytes(size) });
  await lease.release();
  const raw = new RawConnection(server.url);
  raw.socket.pause();
  raw.say(`GET /v1/attachment?key=${lease.key}&public=1&name=f HTTP/1.1\r\nHost: x\r\n\r\n`);
  const other = await publicly(lease.key, "attachment?name=f");
  expect(other.headers["content-length"]).toBe(String(size));
  raw.socket.destroy();
  await raw.closed();
  const again = await held(lease.key);
  expect((await send(again, "attachments", { method: "DELETE" })).status).toBe(200);
  expect((await again.release()).status).toBe(200);
});

test("the order in which mistakes are told", async () => {
  const lease = await held();
  const none = { "X-Lease-ID": "", "X-Txn-ID": "", "X-Fencing-Token": "" };
  const code = async (target: string, options: Call = {}): Promise<unknown> =>
    (await call(`${server.url}/v1/${target}`, options)).json.error;
  const post = (target: string, headers = {}) => code(target, { method: "POST", headers });
  expect(await post("attachments")).toBe("missing_key");
  expect(await post("attachments?key=a//b")).toBe("missing_attachment");
  expect(await post("attachments?key=a//b&name=f&namespace=.x")).toBe("invalid_namespace");
  expect(await post("attachments?key=a//b&name=f")).toBe("invalid_key");
  expect(await post("attachments?key=k&name=f&max_bytes=x")).toBe("missing_lease");
  expect(await post("attachments?key=k&name=f", { "X-Lease-ID": "l" })).toBe("missing_txn");
  const ids = { "X-Lease-ID": "l", "X-Txn-ID": "t" };
  expect(await post("attachments?key=k&name=f", ids)).toBe("missing_fencing_token");
  const token = { ...ids, "X-Fencing-Token": "1" };
  expect(await post("attachments?key=k&name=f&max_bytes=x", token)).toBe("invalid_max_bytes");
  expect(await post("attachments?key=k&name=f", token)).toBe("lease_required");
  expect(await code("attachments?key=a//b")).toBe("missing_fencing_token");
  expect(await code("attachments?key=a//b", { headers: { "X-Fencing-Token": "1" } })).toBe(
    "missing_txn",
  );
  const noLease = { ...none, "X-Txn-ID": "t", "X-Fencing-Token": "1" };
  expect(await code("attachments?key=k", { headers: noLease })).toBe("missing_lease");
  expect(await code("attachment?key=k&public=1")).toBe("missing_attachment");
  expect(await code(`attachment?key=${lease.key}&public=1&name=f`)).toBe("attachment_not_found");
});
