/**
 * Clients that stop sending and go on listening (`nc -N`), and those that are gone: until something
 * is written to them both look alike (docs/decisions/0008-half-closed-connections.md).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { post } from "./raw-chunks.ts";
import { call, RawConnection } from "./raw-http.ts";

let server: RealServer;
let url = "";
let directory = "";
let count = 0;

// On a disk every write waits for a sync, so that no answer is ready when the client hangs up.
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "lockd-half-closed-"));
  server = await startRealServer({ directory });
  url = server.url;
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

function fresh(kind: string): string {
  count += 1;
  return `${kind}-${count}`;
}

function acquireText(key: string, more: object = {}): string {
  return post("/v1/acquire", JSON.stringify({ key, owner: "w", ...more }));
}

async function acquired(key: string) {
  const body = JSON.stringify({ key, owner: "holder", ttl_seconds: 60, block_seconds: -1 });
  const { json } = await call(`${url}/v1/acquire`, { body });
  const lease = { key, lease_id: json.lease_id, txn_id: json.txn_id };
  const token = String(json.fencing_token);
  return {
    lease,
    token,
    release: () =>
      call(`${url}/v1/release`, {
        body: JSON.stringify(lease),
        headers: { "x-fencing-token": token },
      }),
  };
}

/** What the server says to bytes after which the client stops sending; the end of it is awaited. */
async function saidTo(text: string): Promise<string> {
  const raw = new RawConnection(url);
  raw.say(text);
  raw.hangUp();
  await raw.closed();
  return raw.heard;
}

async function untilWaiters(key: string, waiters: number): Promise<void> {
  const look = async () => (await call(`${url}/v1/x/status?key=${key}`)).json.waiters;
  await expect.poll(look, { interval: 10, timeout: 5_000 }).toBe(waiters);
}

async function enqueue(queue: string): Promise<void> {
  const body =
    `--b\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{"queue":"${queue}"}\r\n` +
    '--b\r\nContent-Disposition: form-data; name="payload"\r\n\r\nhello\r\n--b--\r\n';
  const headers = { "content-type": "multipart/related; boundary=b" };
  expect((await call(`${url}/v1/queue/enqueue`, { body, headers })).status).toBe(200);
}

async function stats(queue: string): Promise<Record<string, unknown>> {
  const body = JSON.stringify({ queue });
  return (await call(`${url}/v1/queue/stats`, { body })).json;
}

test("a free key is granted, also to who would have waited", async () => {
  const heard = await saidTo(acquireText(fresh("free")));
  expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(heard).toContain('"fencing_token":1');
});

test("update and release are done and answered, each to the end", async () => {
  const { lease, token } = await acquired(fresh("written"));
  const headers = [
    `X-Lease-ID: ${lease.lease_id}`,
    `X-Txn-ID: ${lease.txn_id}`,
    `X-Fencing-Token: ${token}`,
  ];
  const update = post(`/v1/update?key=${lease.key}`, '{"n":1}', headers);
  const release = post("/v1/release", JSON.stringify(lease), [`X-Fencing-Token: ${token}`]);
  const heard = await saidTo(update + release);
  expect(heard).toContain('"new_version":1');
  expect(heard).toContain('{"released":true}');
});

test("get, query and an upload that arrived whole are done and answered", async () => {
  const { lease, token, release } = await acquired(fresh("whole"));
  const proof = [
    `X-Lease-ID: ${lease.lease_id}`,
    `X-Txn-ID: ${lease.txn_id}`,
    `X-Fencing-Token: ${token}`,
  ];
  const update = await saidTo(post(`/v1/update?key=${lease.key}`, '{"whole":1}', proof));
  const upload = await saidTo(post(`/v1/attachments?key=${lease.key}&name=f`, "bytes", proof));
  for (const heard of [update, upload]) expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect((await release()).status).toBe(200);
  const file = await call(`${url}/v1/attachment?key=${lease.key}&public=1&name=f`);
  expect([file.status, file.text]).toEqual([200, "bytes"]);
  const got = await saidTo(post(`/v1/get?key=${lease.key}&public=1`, ""));
  expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\{"whole":1\}$/);
  const selector = { eq: { field: "/whole", value: "1" } };
  const found = await saidTo(post("/v1/query", JSON.stringify({ selector })));
  expect(found).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(found).toContain(`"keys":["${lease.key}"]`);
});

test("an ack is done and answered", async () => {
  const queue = fresh("jobs");
  await enqueue(queue);
  const ask = JSON.stringify({ queue, owner: "w", wait_seconds: -1 });
  const { text } = await call(`${url}/v1/queue/dequeue`, { body: ask });
  const { message } = JSON.parse(/\{"message".*\}/.exec(text)?.[0] ?? "{}");
  const { message_id, lease_id, fencing_token } = message;
  const ack = { queue, message_id, lease_id, fencing_token };
  const heard = await saidTo(post("/v1/queue/ack", JSON.stringify(ack)));
  expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(heard).toContain('"acked":true');
  // The first ack removed it: nothing is left to settle but the memory of it.
  expect(await stats(queue)).toMatchObject({ available: false, pending_candidates: 0 });
});

test("a held key is refused at once, not waited for", async () => {
  const { lease } = await acquired(fresh("held"));
  const heard = await saidTo(acquireText(lease.key));
  expect(heard).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
  expect(heard).toMatch(/\r\nRetry-After: 1\r\n/);
  expect(heard).toContain('"error":"waiting"');
});

test("a waiter that stops sending later is told so, and never granted the lease", async () => {
  const { lease, release } = await acquired(fresh("later"));
  const raw = new RawConnection(url);
  raw.say(acquireText(lease.key, { block_seconds: 0 }));
  await untilWaiters(lease.key, 1);
  raw.hangUp();
  await untilWaiters(lease.key, 0);
  await raw.closed();
  expect(raw.heard).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
  await release();
  expect((await acquired(lease.key)).token).toBe("2");
});

test("what stands behind a wait that ended is not run", async () => {
  const { lease } = await acquired(fresh("behind"));
  const other = fresh("other");
  const heard = await saidTo(acquireText(lease.key) + acquireText(other));
  expect(heard.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect((await acquired(other)).token).toBe("1");
});

test("many that hang up while the key is released: it is free for the next one", async () => {
  for (let round = 0; round < 10; round += 1) {
    const { lease, release } = await acquired(fresh("race"));
    const waiters = Array.from({ length: 5 }, () => new RawConnection(url));
    for (const raw of waiters) raw.say(acquireText(lease.key, { block_seconds: 0 }));
    await untilWaiters(lease.key, 5);
    const leaving = waiters.map((raw) => {
      raw.hangUp();
      return raw.closed();
    });
    await Promise.all([release(), ...leaving]);
    // One may have been served before its end was seen; then it was told, and all others were not.
    const served = waiters.filter((raw) => raw.heard.includes("200 OK")).length;
    expect(served).toBeLessThanOrEqual(1);
    const body = JSON.stringify({ key: lease.key, owner: "next", block_seconds: -1 });
    const next = await call(`${url}/v1/acquire`, { body });
    expect(next.status).toBe(served === 1 ? 409 : 200);
  }
});

test("a message that is ready is delivered, one that is not is not waited for", async () => {
  const queue = fresh("jobs");
  const ask = JSON.stringify({ queue, owner: "w", wait_seconds: 0 });
  const early = await saidTo(post("/v1/queue/dequeue", ask));
  expect(early).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
  await enqueue(queue);
  expect(await stats(queue)).toMatchObject({ available: true, waiting_consumers: 0 });
  expect(await saidTo(post("/v1/queue/dequeue", ask))).toMatch(/200 OK[\s\S]*hello/);
});

test("a consumer that stops sending while it waits is told so and gets nothing", async () => {
  const queue = fresh("jobs");
  const raw = new RawConnection(url);
  raw.say(post("/v1/queue/dequeue", JSON.stringify({ queue, owner: "w", wait_seconds: 0 })));
  await expect.poll(async () => (await stats(queue)).waiting_consumers).toBe(1);
  raw.hangUp();
  await raw.closed();
  expect(raw.heard).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
  await enqueue(queue);
  expect(await stats(queue)).toMatchObject({ available: true, waiting_consumers: 0 });
});

test("a subscription ends cleanly when its client stops sending, and leases no more", async () => {
  const queue = fresh("jobs");
  await enqueue(queue);
  const raw = new RawConnection(url);
  raw.say(post("/v1/queue/subscribe", JSON.stringify({ queue, owner: "w", page_size: 8 })));
  await raw.until(/hello/);
  raw.hangUp();
  await raw.closed();
  expect(raw.heard).toMatch(/\r\n0\r\n\r\n$/);
  await enqueue(queue);
  expect((await stats(queue)).available).toBe(true);
});

test("a subscription to an empty queue is not waited for", async () => {
  const ask = { queue: fresh("jobs"), owner: "w", page_size: 8 };
  const heard = await saidTo(post("/v1/queue/subscribe", JSON.stringify(ask)));
  expect(heard).toMatch(/^HTTP\/1\.1 409 Conflict\r\n/);
  expect(heard).toContain('"error":"waiting"');
});

test("streams of changes end cleanly, too", async () => {
  const queue = fresh("jobs");
  for (const text of [
    post("/v1/queue/watch", JSON.stringify({ queue })),
    "GET /v1/x/events HTTP/1.1\r\nHost: x\r\n\r\n",
  ]) {
    const raw = new RawConnection(url);
    raw.say(text);
    await raw.until(/text\/event-stream/);
    raw.hangUp();
    await raw.closed();
    expect(raw.heard).toMatch(/\r\n0\r\n\r\n$/);
  }
});

test("a body cut short by the end of sending changes nothing and says why", async () => {
  const { lease, token } = await acquired(fresh("short"));
  const heard = await saidTo(
    `POST /v1/update?key=${lease.key} HTTP/1.1\r\nHost: x\r\nX-Lease-ID: ${lease.lease_id}\r\n` +
      `X-Txn-ID: ${lease.txn_id}\r\nX-Fencing-Token: ${token}\r\nContent-Length: 9\r\n\r\n[1,2]`,
  );
  expect(heard).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(heard).toContain('"error":"malformed_request"');
  expect((await call(`${url}/v1/x/status?key=${lease.key}`)).json.staged).toBe(false);
});
