/** Enqueue, dequeue and subscribe on the wire (http-queue.md cases 1 to 37). */
import { setTimeout as sleep } from "node:timers/promises";
import { boundaryIn, dechunked } from "../../server/raw-chunks.ts";
import { expect, test } from "../lockd-suite.ts";
import { deliveriesIn, identityIn, QueueWire } from "./queue-wire.ts";
import { uuid7, type Wire, xid } from "./wire.ts";

const seconds = (): number => Math.floor(Date.now() / 1000);

export function enqueueWireCases(wire: Wire): void {
  test("1: exactly these members", async () => {
    const queue = new QueueWire(wire);
    const answer = await queue.put("payload");
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.text.endsWith("}\n")).toBe(true);
    expect(answer.json).toEqual({
      namespace: "default",
      queue: queue.queue,
      message_id: expect.stringMatching(uuid7),
      attempts: 0,
      max_attempts: 5,
      not_visible_until_unix: expect.any(Number),
      visibility_timeout_seconds: 30,
      payload_bytes: 7,
      correlation_id: answer.headers["x-correlation-id"],
    });
    expect(Math.abs(Number(answer.json.not_visible_until_unix) - seconds())).toBeLessThan(10);
    const more = { delay_seconds: 100, visibility_timeout_seconds: 7, max_attempts: 3 };
    const other = (await queue.put("", more)).json;
    expect(other).toMatchObject({
      max_attempts: 3,
      visibility_timeout_seconds: 7,
      payload_bytes: 0,
    });
    expect(Number(other.not_visible_until_unix)).toBeGreaterThan(seconds() + 80);
  });

  test("3, 4: what is no form, or only the beginning of one, makes no message", async () => {
    const queue = new QueueWire(wire);
    const whole = queue.form({ queue: queue.queue }, "x".repeat(500));
    const refused = (form: string, type: string) =>
      wire.refused(queue.send(form, { "Content-Type": type }));
    expect(await refused("{}", "application/json")).toBe("400 invalid_content_type");
    expect(await refused(whole, "multipart/related")).toBe("400 multipart_error");
    for (const cut of [whole.slice(0, -20), whole.slice(0, 40), "", "no form"]) {
      expect(await refused(cut, "multipart/related; boundary=b")).toBe("400 multipart_error");
    }
    expect((await queue.post("stats")).json).toMatchObject({ available: false });
    await queue.expectEmpty();
  });

  test("5, 6, 8: where the queue's name stands, and what it may be", async () => {
    const queue = new QueueWire(wire);
    const send = (meta: object | string, search = "") =>
      wire.refused(queue.send(queue.form(meta, "x"), {}, search));
    expect(await send({})).toBe("400 missing_queue");
    for (const name of ["a/b", "..", ".", "q".repeat(129)]) {
      expect(await send({ queue: name })).toBe("400 invalid_queue");
    }
    expect(await send({ queue: "a/b", namespace: ".x" })).toBe("400 invalid_namespace");
    expect(await send("nonsense")).toBe("400 invalid_body");
    expect(await send({ queue: "q", payload_content_type: "a\u0001b" })).toBe("400 invalid_body");
    const loud = queue.queue.toUpperCase();
    const asked = await queue.send(queue.form({ unknown: [1] }, "x"), {}, `?queue=${loud}`);
    expect(asked.json).toMatchObject({ queue: queue.queue });
    expect((await queue.take({ queue: ` ${loud} ` })).message.queue).toBe(queue.queue);
  });

  test("7: no payload is a payload part of no bytes", async () => {
    const queue = new QueueWire(wire);
    expect((await queue.send(queue.form({ queue: queue.queue }))).json.payload_bytes).toBe(0);
    const { message, payload, payloadHead } = await queue.take();
    expect([message.payload_bytes, payload]).toEqual([0, ""]);
    expect(payloadHead).toBe(
      'Content-Disposition: form-data; name="payload"\r\nContent-Length: 0\r\n' +
        "Content-Type: application/octet-stream",
    );
  });

  test("9, 60: the id of the enqueue is the message's, whoever speaks of it later", async () => {
    const queue = new QueueWire(wire);
    const own = { "X-Correlation-Id": "abc" };
    const other = { "X-Correlation-Id": "other" };
    const put = await queue.put("x", {}, own);
    expect([put.json.correlation_id, put.headers["x-correlation-id"]]).toEqual(["abc", "abc"]);
    const ask = { owner: "w", wait_seconds: 10 };
    expect((await queue.post("dequeue", ask, other)).headers["x-correlation-id"]).toBe("abc");
    expect(await queue.post("dequeue", { owner: "w", wait_seconds: -1 }, other)).toMatchObject({
      headers: { "x-correlation-id": "other" },
    });
    await queue.put("y", {}, own);
    const delivery = await queue.take();
    const extended = await queue.post("extend", identityIn(delivery), other);
    const { meta_etag } = extended.json;
    const nacked = await queue.post("nack", { ...identityIn(delivery), meta_etag }, other);
    const late = await queue.post("ack", identityIn(delivery), other);
    expect([late.status, late.headers["x-correlation-id"]]).toEqual([409, "abc"]);
    const acked = await queue.post("ack", identityIn(await queue.take()), other);
    for (const { json, headers } of [extended, nacked, acked]) {
      expect([json.correlation_id, headers["x-correlation-id"]]).toEqual(["abc", "abc"]);
    }
    const long = await queue.put("x", {}, { "X-Correlation-Id": "x".repeat(129) });
    expect(long.json.correlation_id).toMatch(uuid7);
    expect(long.headers["x-correlation-id"]).toBe(long.json.correlation_id);
  });
}

export function dequeueWireCases(wire: Wire): void {
  test("13, 14: nothing there, at once and after two seconds", async () => {
    const queue = new QueueWire(wire);
    const atOnce = await queue.ask();
    expect([atOnce.status, atOnce.headers["retry-after"]]).toEqual([409, undefined]);
    expect(Object.keys(atOnce.json).sort()).toEqual(["detail", "error"]);
    const from = performance.now();
    const waited = await queue.ask({ wait_seconds: 2 });
    expect(performance.now() - from).toBeGreaterThan(1_950);
    expect([waited.status, waited.headers["retry-after"]]).toEqual([409, "2"]);
    expect(waited.json).toMatchObject({ error: "waiting", retry_after_seconds: 2 });
  });

  test("16: no bound on waiting", { timeout: 60_000 }, async () => {
    const queue = new QueueWire(wire);
    const waiting = queue.take({ wait_seconds: 0 });
    await sleep(5_200);
    const { json } = await queue.put("late");
    expect((await waiting).message).toMatchObject({ message_id: json.message_id, attempts: 1 });
  });

  test("17: a delivery's members, all of them", async () => {
    const queue = new QueueWire(wire);
    const put = (await queue.put("hello")).json;
    const { message, payload, metaHead, payloadHead } = await queue.take();
    expect(payload).toBe("hello");
    expect(message).toEqual({
      namespace: "default",
      queue: queue.queue,
      message_id: put.message_id,
      attempts: 1,
      max_attempts: 5,
      not_visible_until_unix: message.lease_expires_at_unix,
      visibility_timeout_seconds: 30,
      payload_content_type: "application/octet-stream",
      payload_bytes: 5,
      correlation_id: put.correlation_id,
      lease_id: expect.stringMatching(xid),
      lease_expires_at_unix: expect.any(Number),
      fencing_token: 1,
      txn_id: expect.stringMatching(xid),
      meta_etag: expect.stringMatching(/^[^"]+$/),
    });
    expect(Math.abs(Number(message.lease_expires_at_unix) - seconds() - 30)).toBeLessThan(10);
    expect(metaHead).toBe(
      'Content-Disposition: form-data; name="meta"\r\nContent-Type: application/json',
    );
    expect(payloadHead).toContain('form-data; name="payload"\r\nContent-Length: 5\r\n');
    await queue.post("nack", identityIn({ message, payload, metaHead, payloadHead }));
    await queue.put("y", { attributes: { a: 1 }, payload_content_type: "text/plain" });
    const page = await queue.page({ page_size: 2 });
    const failed = page.find((delivery) => delivery.message.message_id === put.message_id);
    const fresh = page.find((delivery) => delivery.message.message_id !== put.message_id);
    expect(failed?.message).toMatchObject({ attempts: 2, failure_attempts: 1, fencing_token: 2 });
    expect(fresh?.message).toMatchObject({
      attributes: { a: 1 },
      payload_content_type: "text/plain",
    });
    expect(fresh?.payloadHead).toContain("Content-Type: text/plain");
  });

  test("18, 19: a page has names, an order, and at most 64 messages", async () => {
    const queue = new QueueWire(wire);
    for (const text of ["a", "b", "c"]) await queue.put(text);
    const page = await queue.page({ page_size: 2 });
    expect(page.map(({ payload }) => payload)).toEqual(["a", "b"]);
    for (const [at, { metaHead, payloadHead }] of page.entries()) {
      expect(metaHead).toContain(`name="meta"; filename="meta-${at}.json"\r\n`);
      expect(payloadHead).toContain(`name="payload"; filename="payload-${at}"\r\n`);
    }
    await Promise.all(Array.from({ length: 69 }, () => queue.put("more")));
    expect(await queue.page({ page_size: 100 })).toHaveLength(64);
  });

  test("20: a lease's length, and 99999 seconds of it", async () => {
    const queue = new QueueWire(wire);
    await queue.put("x", { visibility_timeout_seconds: 60 });
    const asked = await queue.take({ visibility_timeout_seconds: 7, page_size: 0 });
    expect(asked.message.visibility_timeout_seconds).toBe(7);
    await queue.post("nack", identityIn(asked));
    const own = await queue.take({ visibility_timeout_seconds: 0 });
    expect(own.message.visibility_timeout_seconds).toBe(60);
    await queue.post("nack", identityIn(own));
    const most = await queue.take({ visibility_timeout_seconds: 99_999 });
    expect(most.message.visibility_timeout_seconds).toBe(1_800);
  });

  test("21, 22: what a dequeue needs, in a body or in the query", async () => {
    const queue = new QueueWire(wire);
    const code = (more: object) => wire.refused(queue.ask(more));
    expect(await code({ owner: undefined })).toBe("400 missing_owner");
    expect(await code({ queue: undefined, owner: undefined })).toBe("400 missing_queue");
    expect(await code({ owner: "", txn_id: "nope" })).toBe("400 missing_owner");
    expect(await code({ txn_id: "nope", wait_seconds: 0 })).toBe("400 invalid_txn");
    expect(await code({ stranger: 1 })).toBe("400 invalid_body");
    expect(await code({ start_after: "zzz", txn_id: null })).toBe("409 waiting");
    await queue.put("x");
    const bare = await wire.ask(`/v1/queue/dequeue?queue=${queue.queue}&owner=w`, {
      method: "POST",
    });
    expect([bare.status, bare.text.includes("\r\n\r\nx\r\n--")]).toEqual([200, true]);
  });
}

export function subscribeWireCases(wire: Wire): void {
  test("29: nothing within the wait is an error, not a stream", async () => {
    const queue = new QueueWire(wire);
    const answer = await queue.ask({ wait_seconds: 1 }, "subscribe");
    expect([answer.status, answer.headers["content-type"]]).toEqual([409, "application/json"]);
    expect(answer.json).toMatchObject({ error: "waiting", retry_after_seconds: 1 });
    const atOnce = await queue.ask({}, "subscribe");
    expect([atOnce.status, atOnce.headers["retry-after"]]).toEqual([409, undefined]);
  });

  test("31: a stream is quiet for longer than any wait and goes on", {
    timeout: 60_000,
  }, async () => {
    const queue = new QueueWire(wire);
    await queue.put("first");
    const raw = queue.subscribe({ wait_seconds: 1, page_size: 2 });
    await raw.until(/first\r\n--[0-9a-f]+\r\n$/);
    const before = raw.heard;
    await sleep(10_500);
    expect(raw.heard).toBe(before);
    await queue.put("second");
    expect(await raw.until(/second\r\n--[0-9a-f]+\r\n$/)).not.toContain("filename");
    raw.socket.destroy();
  });

  test("35: a client that leaves keeps its message until the lease ends", async () => {
    const queue = new QueueWire(wire);
    await queue.put("x", { visibility_timeout_seconds: 3 });
    const raw = queue.subscribe({ page_size: 4 });
    await raw.until(/\r\n\r\nx\r\n--[0-9a-f]+\r\n$/);
    raw.socket.destroy();
    const until = Number(/"lease_expires_at_unix":(\d+)/.exec(raw.heard)?.[1]);
    const again = await queue.take();
    expect(again.message).toMatchObject({ attempts: 2, fencing_token: 2 });
    expect(Date.now()).toBeGreaterThanOrEqual(until * 1_000);
    expect((await queue.post("stats")).json.waiting_consumers).toBe(0);
  });

  test("37: a state's lease travels with its message, in both verbs", async () => {
    const queue = new QueueWire(wire);
    await queue.put("x");
    const raw = queue.subscribe({ wait_seconds: -1 }, "subscribeWithState");
    await raw.until(/\r\n0\r\n\r\n$/);
    const { head, body } = dechunked(raw.heard);
    const [first] = deliveriesIn(body, boundaryIn(head));
    raw.socket.destroy();
    if (first === undefined) throw new Error("no delivery");
    const state = {
      state_lease_id: expect.stringMatching(xid),
      state_lease_expires_at_unix: first.message.lease_expires_at_unix,
      state_fencing_token: 1,
      state_txn_id: first.message.txn_id,
      state_etag: expect.stringMatching(/^[^"]+$/),
    };
    expect(first.message).toMatchObject(state);
    await queue.post("nack", identityIn(first));
    await queue.put("other");
    const page = await queue.page({ page_size: 5 }, "dequeueWithState");
    expect(page).toHaveLength(1);
    expect(page[0]?.message).toHaveProperty("state_lease_id");
  });
}
