/** Connections that misbehave, and the server's own end (http-core.md sections 1, 2 and 6). */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { chunked } from "./raw-chunks.ts";
import { type Answer, call, RawConnection } from "./raw-http.ts";

const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

async function started(options: Parameters<typeof startRealServer>[0] = {}): Promise<RealServer> {
  const server = await startRealServer(options);
  open.push(server);
  return server;
}

function acquire(url: string, key: string, more: object = {}) {
  const body = JSON.stringify({ key, owner: "w", ttl_seconds: 30, block_seconds: -1, ...more });
  return call(`${url}/v1/acquire`, { body });
}

function acquireText(key: string, more: object = {}): string {
  const body = JSON.stringify({ key, owner: "w", ...more });
  return `POST /v1/acquire HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

test("80: an Upgrade: h2c request is answered as HTTP/1.1", async () => {
  const { url } = await started();
  const raw = new RawConnection(url);
  raw.say("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  expect(await raw.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 /);
  raw.socket.destroy();
});

test("two pipelined requests are answered in their order", async () => {
  const { url } = await started();
  const raw = new RawConnection(url);
  raw.say(acquireText("pipelined") + acquireText("pipelined", { block_seconds: -1 }));
  const heard = await raw.until(/"error":"waiting"/);
  expect(heard.indexOf("200 OK")).toBeLessThan(heard.indexOf("409 Conflict"));
  raw.socket.destroy();
});

test("a chunked body with trailers, and one cut by hand anywhere", async () => {
  const { url } = await started();
  const body = '{"key":"chunked","owner":"w"}';
  const raw = new RawConnection(url);
  raw.say("POST /v1/acquire HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const part of [body.slice(0, 5), body.slice(5)]) {
    raw.say(`${part.length.toString(16)}\r\n${part}\r\n`);
    await sleep(20);
  }
  raw.say("0\r\nX-Trailer: 1\r\n\r\n");
  expect(await raw.until(/"key":"chunked"/)).toMatch(/200 OK/);
  raw.socket.destroy();
});

test("64 KiB of headers are accepted, and no Host is needed", async () => {
  const { url } = await started();
  const raw = new RawConnection(url);
  raw.say(`GET /healthz HTTP/1.1\r\nX-Long: ${"x".repeat(64 * 1024)}\r\n\r\n`);
  expect(await raw.until(/\r\n\r\n/)).toMatch(/200 OK/);
  raw.socket.destroy();
});

test("64 KiB of short headers are accepted, and the last of them counts", async () => {
  const { url } = await started();
  const raw = new RawConnection(url);
  const lines = Array.from({ length: 7_000 }, (_, n) => `x${n}: 1\r\n`).join("");
  raw.say(`GET /healthz HTTP/1.1\r\n${lines}X-Correlation-Id: last\r\n\r\n`);
  expect(await raw.until(/\r\n\r\n/)).toMatch(/200 OK\r\nX-Correlation-Id: last\r\n/);
  raw.socket.destroy();
});

test("a whole address is as good as a path", async () => {
  const { url } = await started();
  const raw = new RawConnection(url);
  raw.say("GET http://elsewhere:1/v1/describe?key=whole HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await raw.until(/"key":"whole"/)).toMatch(/200 OK/);
  raw.socket.destroy();
});

test("100-continue is honoured", async () => {
  const { url } = await started();
  const body = '{"key":"expecting","owner":"w"}';
  const raw = new RawConnection(url);
  raw.say(
    "POST /v1/acquire HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" +
      `Content-Length: ${body.length}\r\n\r\n`,
  );
  await raw.until(/100 Continue/);
  raw.say(body);
  expect(await raw.until(/"key":"expecting"/)).toMatch(/200 OK/);
  raw.socket.destroy();
});

test("9: a waiter whose connection closed is gone within a second", async () => {
  const { url } = await started();
  const held = await acquire(url, "held");
  const raw = new RawConnection(url);
  raw.say(acquireText("held", { block_seconds: 0 }));
  for (;;) {
    const { json } = await call(`${url}/v1/x/status?key=held`);
    if (json.waiters === 1) break;
    await sleep(10);
  }
  raw.socket.destroy();
  const from = performance.now();
  for (;;) {
    const { json } = await call(`${url}/v1/x/status?key=held`);
    if (json.waiters === 0) break;
    expect(performance.now() - from).toBeLessThan(1000);
    await sleep(10);
  }
  await call(`${url}/v1/release`, {
    body: JSON.stringify({ key: "held", lease_id: held.json.lease_id, txn_id: held.json.txn_id }),
    headers: { "x-fencing-token": "1" },
  });
  expect((await acquire(url, "held")).json.fencing_token).toBe(2);
});

async function untilWaiters(url: string, key: string, waiters: number): Promise<void> {
  for (;;) {
    const { json } = await call(`${url}/v1/x/status?key=${key}`);
    if (json.waiters === waiters) return;
    await sleep(10);
  }
}

test("a waiter is gone with its connection, whatever was asked behind it", async () => {
  const { url } = await started();
  await acquire(url, "held");
  const raw = new RawConnection(url);
  raw.say(acquireText("held", { block_seconds: 0 }));
  // More answers than a connection may owe before Node stops reading it.
  raw.say(`GET /${"x".repeat(200)} HTTP/1.1\r\n\r\n`.repeat(900));
  await untilWaiters(url, "held", 1);
  await sleep(100);
  const from = performance.now();
  raw.socket.destroy();
  await untilWaiters(url, "held", 0);
  // A connection nobody reads is found out in ten seconds at the earliest.
  expect(performance.now() - from).toBeLessThan(5_000);
});

test("a connection that asks without end and without answer is cut, waiters and all", async () => {
  const { url } = await started();
  await acquire(url, "held");
  const raw = new RawConnection(url);
  raw.say(acquireText("held", { block_seconds: 0 }));
  await untilWaiters(url, "held", 1);
  raw.say("GET /healthz HTTP/1.1\r\n\r\n".repeat(2_000));
  await raw.closed();
  await untilWaiters(url, "held", 0);
});

test("a connection with a long body behind a waiter is cut: its end would go unseen", async () => {
  const { url } = await started();
  await acquire(url, "held");
  const raw = new RawConnection(url);
  raw.say(acquireText("held", { block_seconds: 0 }));
  await untilWaiters(url, "held", 1);
  raw.say("POST /v1/update?key=x HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n");
  raw.say("x".repeat(500_000));
  await raw.closed();
  await untilWaiters(url, "held", 0);
});

test("an upload that breaks off changes nothing", async () => {
  const { url } = await started();
  const { json } = await acquire(url, "cut");
  const raw = new RawConnection(url);
  raw.say(
    `POST /v1/update?key=cut HTTP/1.1\r\nHost: x\r\nX-Lease-ID: ${json.lease_id}\r\n` +
      `X-Txn-ID: ${json.txn_id}\r\nX-Fencing-Token: 1\r\nContent-Length: 200000\r\n\r\n[1,2`,
  );
  await sleep(50);
  raw.socket.destroy();
  await sleep(50);
  const status = await call(`${url}/v1/x/status?key=cut`);
  expect(status.json.staged).toBe(false);
});

/** The three headers of lease-bound calls. */
function leaseHeaders({ json }: Answer): Record<string, string> {
  return {
    "x-lease-id": String(json.lease_id),
    "x-txn-id": String(json.txn_id),
    "x-fencing-token": String(json.fencing_token),
  };
}

test("39: json-max counts the bytes as they came, announced or not", async () => {
  const { url } = await started({ jsonBytesMax: 64 });
  const headers = leaseHeaders(await acquire(url, "k"));
  const update = (body: string) => call(`${url}/v1/update?key=k`, { body, headers });
  const fits = await update(`1${" ".repeat(63)}`);
  expect([fits.status, fits.json.bytes]).toEqual([200, 1]);
  const tooLarge = await update(`2${" ".repeat(64)}`);
  expect([tooLarge.status, tooLarge.json.error]).toEqual([400, "invalid_body"]);
  const raw = new RawConnection(url);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  raw.say(chunked("/v1/update?key=k", [`3${" ".repeat(40)}`, " ".repeat(24)], lines));
  expect(await raw.until(/invalid_body/)).toMatch(/^HTTP\/1\.1 400 /);
  raw.socket.destroy();
  const { text } = await call(`${url}/v1/get?key=k`, { headers });
  expect(text).toBe("1");
  const grown = JSON.stringify({ mutations: [`/a="${"x".repeat(60)}"`] });
  await update("{}");
  const mutated = await call(`${url}/v1/mutate?key=k`, { body: grown, headers });
  expect([mutated.status, mutated.json.error]).toEqual([413, "document_too_large"]);
});

test("39: far more than json-max is not read to its end, and changes nothing", {
  timeout: 60_000,
}, async () => {
  const { url } = await started();
  const headers = leaseHeaders(await acquire(url, "large"));
  const body = Buffer.alloc(101 * 1024 * 1024, " ");
  // The server may close the connection after an answer that the client has not read yet.
  const answer = await call(`${url}/v1/update?key=large`, { body, headers }).catch(() => undefined);
  if (answer !== undefined) expect(answer.json.error).toBe("invalid_body");
  expect((await call(`${url}/v1/x/status?key=large`)).json.staged).toBe(false);
});

test("a body refused halfway does not hold up the connection's next request", async () => {
  const { url } = await started();
  const { json } = await acquire(url, "refused");
  const depth = 100_000;
  const raw = new RawConnection(url);
  raw.say(
    `POST /v1/update?key=refused HTTP/1.1\r\nHost: x\r\nX-Lease-ID: ${json.lease_id}\r\n` +
      `X-Txn-ID: ${json.txn_id}\r\nX-Fencing-Token: 1\r\nContent-Length: ${2 * depth}\r\n\r\n` +
      "[".repeat(depth) +
      "]".repeat(depth),
  );
  expect(await raw.until(/nested deeper/)).toMatch(/^HTTP\/1\.1 400 /);
  raw.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(await raw.until(/HTTP\/1\.1 200 OK/)).toContain("200 OK");
  raw.socket.destroy();
});

test("HTTP/1.0, which knows no trailers, gets the documents of a query all the same", async () => {
  const { url } = await started();
  const { json } = await acquire(url, "old");
  await call(`${url}/v1/update?key=old`, {
    body: '{"n":1}',
    headers: {
      "x-lease-id": String(json.lease_id),
      "x-txn-id": String(json.txn_id),
      "x-fencing-token": "1",
      "x-lockd-release": "commit",
    },
  });
  const raw = new RawConnection(url);
  raw.say("GET /v1/query?return=documents&refresh=wait_for HTTP/1.0\r\n\r\n");
  await raw.closed();
  expect(raw.heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(raw.heard).toMatch(/\r\n\r\n\{"ns":"default","key":"old","ver":1,"doc":\{"n":1\}\}\n$/);
});

test("77: a drain announces itself, refuses acquires, and lets holders finish", async () => {
  const server = await started({ drainGraceMs: 5000 });
  const { url } = server;
  const held = await acquire(url, "held");
  const headers = leaseHeaders(held);
  const lease = JSON.stringify({
    key: "held",
    lease_id: held.json.lease_id,
    txn_id: held.json.txn_id,
  });
  const blocked = acquire(url, "held", { block_seconds: 0 });
  await untilWaiters(url, "held", 1);
  expect((await call(`${url}/healthz`)).headers).not.toHaveProperty("shutdown-imminent");
  const stopping = server.stop();
  for (const refused of [await acquire(url, "other"), await blocked]) {
    expect([refused.status, refused.json.error]).toEqual([503, "shutdown_draining"]);
    expect(refused.headers).toMatchObject({ "shutdown-imminent": "true" });
    const seconds = Number(refused.headers["retry-after"]);
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(5);
    expect(refused.json.retry_after_seconds).toBe(seconds);
  }
  const asked = await call(`${url}/v1/query`);
  expect([asked.status, asked.json.error]).toEqual([503, "shutdown_draining"]);
  for (const [path, options] of [
    ["keepalive", { body: lease }],
    ["update?key=held", { body: '{"n":1}' }],
    ["mutate?key=held", { body: '{"mutations":["/n++"]}' }],
    ["metadata?key=held", { body: '{"query_hidden":false}' }],
    ["attachments?key=held&name=f", { body: "x" }],
    ["get?key=held", { method: "POST" }],
    ["describe?key=held", {}],
    ["namespace", {}],
    ["release", { body: lease }],
  ] as const) {
    const answer = await call(`${url}/v1/${path}`, { ...options, headers });
    expect(`${path} ${answer.status}`).toBe(`${path} 200`);
    expect(answer.headers["shutdown-imminent"]).toBe("true");
  }
  const from = performance.now();
  await stopping;
  expect(performance.now() - from).toBeLessThan(2_000);
});

test("a blocked acquire does not hold up the end of the server", async () => {
  const server = await started({ drainGraceMs: 0 });
  await acquire(server.url, "held");
  const blocked = acquire(server.url, "held", { block_seconds: 0 });
  await sleep(50);
  const from = performance.now();
  await server.stop();
  expect(performance.now() - from).toBeLessThan(800);
  expect((await blocked).json.error).toBe("shutdown_draining");
});

test("56: after a restart the holder goes on and its staged state commits", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-restart-"));
  const first = await startRealServer({ directory });
  const lockd = new HttpLockd({ endpoints: first.url });
  const lease = await lockd.acquire({ key: "k", owner: "w", ttlSeconds: 60 });
  await lockd.update(lease, Buffer.from('{"n":1}'));
  await lockd.close();
  await first.stop();
  const second = await started({ directory });
  const again = new HttpLockd({ endpoints: second.url });
  await again.keepAlive({ ...lease, ttlSeconds: 60 });
  await again.release(lease);
  const state = await again.get({ key: "k", public: true });
  expect(state).toMatchObject({ exists: true, version: 1 });
  await again.close();
  await second.stop();
  await rm(directory, { recursive: true });
});

/** Leaves a socket file behind as a killed process does. */
async function abandonSocket(socket: string): Promise<void> {
  const script = 'require("net").createServer().listen(process.argv[1],()=>console.log("up"))';
  const child = spawn(process.execPath, ["-e", script, socket]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect((await stat(socket)).isSocket()).toBe(true);
}

/** The status a plain client gets, which names no host but `unix`. */
function overSocket(socketPath: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = get({ socketPath, path, headers: { host: "unix" } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on("error", reject);
  });
}

test("79: a stale socket file is replaced, a live one is not, and ours is private", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-socket-"));
  const socket = path.join(directory, "lockd.sock");
  await abandonSocket(socket);
  const server = await started({ directory });
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  expect(await overSocket(socket, "/readyz")).toBe(200);
  await expect(startRealServer({ directory })).rejects.toMatchObject({ code: "store_owned" });
  await server.stop();
  await expect(stat(socket)).rejects.toMatchObject({ code: "ENOENT" });
  await rm(directory, { recursive: true });
});
