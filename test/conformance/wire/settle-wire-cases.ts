/** Watch, stats, ack, nack, extend and the state of a message on the wire (cases 38 to 72). */
import { setTimeout as sleep } from "node:timers/promises";
import { post } from "../../server/raw-chunks.ts";
import { type Answer, RawConnection } from "../../server/raw-http.ts";
import { expect, longAgo, test } from "../lockd-suite.ts";
import { arrived, identityIn, QueueWire, type WireDelivery } from "./queue-wire.ts";
import type { Wire } from "./wire.ts";

const mismatch = "409 queue_message_lease_mismatch";

function watching(queue: QueueWire): RawConnection {
  const raw = new RawConnection(queue.wire.url);
  raw.say(post("/v1/queue/watch", JSON.stringify({ queue: queue.queue }), ["X-Correlation-Id: w"]));
  return raw;
}

export function observerWireCases(wire: Wire): void {
  test("38 to 40: events to the byte, the last of them made by time alone", async () => {
    const queue = new QueueWire(wire);
    const raw = watching(queue);
    await raw.until(/id: 1\n/);
    const first = String((await queue.put("x")).json.message_id);
    await raw.until(/id: 2\n/);
    await queue.take();
    await raw.until(/id: 3\n/);
    const later = String((await queue.put("y", { delay_seconds: 1 })).json.message_id);
    // Nobody reads or writes meanwhile.
    await raw.until(/id: 4\nevent: queue_watch\ndata: .*\n\n/);
    raw.socket.destroy();
    const event = (id: number, head: string) =>
      `id: ${id}\nevent: queue_watch\ndata: {"namespace":"default","queue":"${queue.queue}",` +
      `"available":${head !== ""},${head === "" ? "" : `"head_message_id":"${head}",`}` +
      '"changed_at_unix":0,"correlation_id":"w"}\n\n';
    const body = arrived(raw).replaceAll(/"changed_at_unix":\d{10}/g, '"changed_at_unix":0');
    expect(body).toBe([event(1, ""), event(2, first), event(3, ""), event(4, later)].join(""));
  });

  test("42, 43: statistics to the member; looking changes nothing", async () => {
    const queue = new QueueWire(wire);
    const counts = {
      namespace: "default",
      queue: queue.queue,
      waiting_consumers: 0,
      pending_candidates: 0,
      total_consumers: expect.any(Number),
      has_active_watcher: expect.any(Boolean),
      available: false,
      correlation_id: "s",
    };
    const stats = () => queue.post("stats", {}, { "X-Correlation-Id": "s" });
    expect((await stats()).json).toEqual(counts);
    const { message_id } = (await queue.put("x")).json;
    await queue.put("y");
    for (let at = 0; at < 10; at += 1) {
      const raw = watching(queue);
      await raw.until(/id: 1\n.*\n.*"available":true/);
      raw.socket.destroy();
      const { head_age_seconds, pending_candidates, ...rest } = (await stats()).json;
      expect([head_age_seconds, pending_candidates]).not.toContain(0);
      expect(rest).toEqual({
        ...counts,
        pending_candidates: undefined,
        available: true,
        head_message_id: message_id,
        head_enqueued_at_unix: expect.any(Number),
        head_not_visible_until_unix: expect.any(Number),
      });
    }
    expect((await queue.take()).message).toMatchObject({ message_id, attempts: 1 });
    const empty = await wire.ask(`/v1/queue/stats?queue=${queue.queue}-never`, { method: "POST" });
    expect(empty.json).toMatchObject({ queue: `${queue.queue}-never`, available: false });
  });

  test("44: a watch of nothing is refused in JSON", async () => {
    const queue = new QueueWire(wire);
    expect(await wire.refused(queue.post("watch", { queue: "a/b" }))).toBe("400 invalid_queue");
    expect(await wire.refused(queue.post("watch", { queue: "" }))).toBe("400 missing_queue");
    expect(await wire.refused(queue.post("watch", { owner: "w" }))).toBe("400 invalid_body");
    expect(await wire.refused(queue.post("stats", { queue: ".." }))).toBe("400 invalid_queue");
  });
}

export function settleWireCases(wire: Wire): void {
  const refused = (answer: Promise<Answer>) => wire.refused(answer);

  test("45, 46: acked once", async () => {
    const queue = new QueueWire(wire);
    const { correlation_id } = (await queue.put()).json;
    const { message_id, lease_id, fencing_token } = (await queue.take()).message;
    const little = { message_id, lease_id, fencing_token };
    expect((await queue.post("ack", little)).json).toEqual({ acked: true, correlation_id });
    expect(await refused(queue.post("ack", little))).toBe("404 not_found");
    await queue.expectEmpty();
  });

  test("47, 48: only who holds it", async () => {
    const queue = new QueueWire(wire);
    const { message_id } = (await queue.put()).json;
    const invented = { message_id, lease_id: longAgo, fencing_token: 1 };
    expect(await refused(queue.post("ack", invented))).toBe(mismatch);
    const delivery = await queue.take();
    for (const wrong of [
      { fencing_token: 2 },
      { fencing_token: 0 },
      { fencing_token: undefined },
      { lease_id: longAgo },
      { txn_id: longAgo },
    ]) {
      for (const verb of ["ack", "nack", "extend"]) {
        const body = { ...identityIn(delivery), ...wrong };
        expect(await refused(queue.post(verb, body))).toBe(mismatch);
      }
    }
    await queue.expectEmpty();
    expect((await queue.post("ack", identityIn(delivery))).status).toBe(200);
  });

  test("49, 56, 57, 58, 59: tags that moved", async () => {
    const queue = new QueueWire(wire);
    await queue.put("x", { visibility_timeout_seconds: 40 });
    const delivery = await queue.take();
    const { meta_etag, correlation_id } = delivery.message;
    const same = await queue.post("extend", identityIn(delivery));
    expect(same.json).toEqual({
      lease_expires_at_unix: expect.any(Number),
      visibility_timeout_seconds: 40,
      meta_etag: expect.stringMatching(/^[^"]+$/),
      correlation_id,
    });
    expect(same.json.meta_etag).not.toBe(meta_etag);
    const newer = { ...identityIn(delivery), meta_etag: same.json.meta_etag };
    const ten = await queue.post("extend", { ...newer, extend_by_seconds: 10 });
    expect(ten.json.visibility_timeout_seconds).toBe(10);
    const end = Number(ten.json.lease_expires_at_unix);
    expect(Math.abs(end - Date.now() / 1000 - 10)).toBeLessThan(5);
    expect(await refused(queue.post("extend", newer))).toBe("409 cas_mismatch");
    expect(await refused(queue.post("nack", newer))).toBe("409 cas_mismatch");
    const newest = { ...newer, meta_etag: ten.json.meta_etag };
    const nacked = await queue.post("nack", { ...newest, state_etag: "", state_lease_id: "" });
    expect(nacked.json).toEqual({
      requeued: true,
      meta_etag: expect.stringMatching(/^[^"]+$/),
      correlation_id,
    });
    expect(nacked.json.meta_etag).not.toBe(ten.json.meta_etag);
    expect(await refused(queue.post("nack", newest))).toBe(mismatch);
    const again = await queue.take();
    // A lease is granted for half an hour at most, and extended as far as its holder likes.
    const far = await queue.post("extend", { ...identityIn(again), extend_by_seconds: 7_200 });
    expect(far.json.visibility_timeout_seconds).toBe(7_200);
    expect((await queue.post("ack", identityIn(again))).status).toBe(200);
  });

  test("50: late, later, too late", async () => {
    const queue = new QueueWire(wire);
    await queue.put("x", { visibility_timeout_seconds: 1 });
    const late = await queue.take();
    await sleep(1_000 * Number(late.message.lease_expires_at_unix) - Date.now() + 50);
    for (const verb of ["ack", "nack", "ack"]) {
      expect(await refused(queue.post(verb, identityIn(late)))).toBe("403 lease_expired");
    }
    const next = await queue.take({ visibility_timeout_seconds: 30 });
    expect(next.message).not.toHaveProperty("failure_attempts");
    for (const verb of ["ack", "nack", "extend"]) {
      expect(await refused(queue.post(verb, identityIn(late)))).toBe(mismatch);
    }
    expect((await queue.post("ack", identityIn(next))).status).toBe(200);
    expect(await refused(queue.post("ack", identityIn(late)))).toBe("404 not_found");
  });

  test("51, 61: what is missing, and what is no message id", async () => {
    const queue = new QueueWire(wire);
    await queue.put();
    const identity = identityIn(await queue.take());
    for (const verb of ["ack", "nack", "extend"]) {
      const without = (name: string) =>
        refused(queue.post(verb, { ...identity, [name]: undefined }));
      expect(await without("lease_id")).toBe("400 missing_fields");
      expect(await without("message_id")).toBe("400 missing_fields");
      if (verb !== "ack") expect(await without("meta_etag")).toBe("400 missing_fields");
      const path = queue.post(verb, { ...identity, message_id: "../../x" });
      expect(await refused(path)).toBe("400 invalid_queue_key");
      expect(await refused(wire.post(`/v1/queue/${verb}`))).toBe("400 invalid_body");
      expect(await refused(queue.post(verb, { ...identity, stranger: 1 }))).toBe(
        "400 invalid_body",
      );
      expect(await refused(queue.post(verb, { ...identity, message_id: "never" }))).toBe(
        "404 not_found",
      );
    }
    expect((await queue.post("ack", identity)).status).toBe(200);
  });

  test("52 to 55, 62: failures, deferrals, delays, and the end of the budget", async () => {
    const queue = new QueueWire(wire);
    await queue.put("x", { max_attempts: 2 });
    const nack = async (delivery: WireDelivery, more: object) =>
      await queue.post("nack", { ...identityIn(delivery), ...more });
    const first = await queue.take();
    for (const [more, code] of [
      [{ intent: "later" }, "400 invalid_nack_intent"],
      [{ intent: "defer", last_error: "x" }, "400 invalid_nack_last_error"],
    ] as const) {
      expect(await refused(nack(first, more))).toBe(code);
    }
    await queue.expectEmpty();
    const from = Date.now();
    expect((await nack(first, { delay_seconds: 1 })).status).toBe(200);
    const second = await queue.take();
    // A timer may be a millisecond early; a delay of one second may become two, never less.
    expect(Date.now() - from).toBeGreaterThanOrEqual(995);
    expect(second.message).toMatchObject({ attempts: 2, failure_attempts: 1 });
    expect(second.message.visibility_timeout_seconds).toBe(30);
    expect((await nack(second, { intent: " DeFeR ", last_error: null })).status).toBe(200);
    const third = await queue.take();
    expect(third.message).toMatchObject({ attempts: 3, failure_attempts: 1 });
    expect((await nack(third, { intent: "", last_error: { n: 1 } })).json.requeued).toBe(true);
    await queue.expectEmpty();
    expect(await refused(queue.post("ack", identityIn(third)))).toBe("404 not_found");
  });
}

export function stateWireCases(wire: Wire): void {
  function stateOf(queue: QueueWire, { message }: WireDelivery) {
    const query = `?key=q/${queue.queue}/state/${message.message_id}`;
    const headers = {
      "X-Lease-ID": String(message.state_lease_id),
      "X-Txn-ID": String(message.state_txn_id),
      "X-Fencing-Token": String(message.state_fencing_token),
    };
    const call = (path: string, body: string) => wire.post(`/v1/${path}${query}`, body, headers);
    return { call, query, headers };
  }

  test("67, 68, 71: a state is nothing, then something, then gone", async () => {
    const queue = new QueueWire(wire);
    await queue.put();
    const first = await queue.take({}, "dequeueWithState");
    const state = stateOf(queue, first);
    expect((await state.call("get", "")).status).toBe(204);
    expect((await state.call("update", '{"n":1}')).json.new_version).toBe(1);
    expect((await state.call("get", "")).text).toBe('{"n":1}');
    expect((await queue.post("nack", identityIn(first))).status).toBe(200);
    const second = await queue.take({}, "dequeueWithState");
    expect(second.message.state_etag).toBe(first.message.state_etag);
    expect(second.message.state_fencing_token).toBe(2);
    const again = stateOf(queue, second);
    expect((await again.call("get", "")).text).toBe('{"n":1}');
    const ack = { ...identityIn(second), state_etag: second.message.state_etag };
    expect((await queue.post("ack", ack)).json.acked).toBe(true);
    expect((await wire.post(`/v1/get${again.query}&public=1`)).status).toBe(204);
    expect(await wire.refused(again.call("get", ""))).toBe("403 lease_required");
  });

  test("59, 70, 72: a state's lease goes with extend alone; another tag is refused", async () => {
    const queue = new QueueWire(wire);
    await queue.put();
    const delivery = await queue.take({}, "dequeueWithState");
    const { query, headers } = stateOf(queue, delivery);
    const key = query.slice("?key=".length);
    const { state_lease_id: lease_id, state_txn_id: txn_id } = delivery.message;
    const kept = wire.post("/v1/keepalive", { key, lease_id, txn_id }, headers);
    expect(await wire.refused(kept)).toBe("403 queue_state_keepalive_unsupported");
    const wrong = { ...identityIn(delivery), state_fencing_token: 9 };
    expect(await wire.refused(queue.post("extend", wrong))).toBe("403 fencing_mismatch");
    const other = { ...identityIn(delivery), state_lease_id: longAgo };
    expect(await wire.refused(queue.post("extend", other))).toBe("403 lease_required");
    const stale = { ...identityIn(delivery), state_etag: "another" };
    expect(await wire.refused(queue.post("ack", stale))).toBe("409 cas_mismatch");
    const extended = await queue.post("extend", {
      ...identityIn(delivery),
      extend_by_seconds: 60,
    });
    expect(extended.json).toEqual({
      lease_expires_at_unix: expect.any(Number),
      visibility_timeout_seconds: 60,
      meta_etag: expect.any(String),
      state_lease_expires_at_unix: extended.json.lease_expires_at_unix,
      correlation_id: delivery.message.correlation_id,
    });
    expect((await wire.describe(key)).json.metadata).toEqual({ query_hidden: true });
    expect((await queue.post("ack", identityIn(delivery))).status).toBe(200);
  });
}
