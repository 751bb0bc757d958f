/**
 * What existing clients do with the bytes (http-queue.md sections 6 and 16): one reads line by line
 * and counts payloads, one scans for delimiters and can only see what they leave it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { boundaryIn, chunked, dechunked, post } from "./raw-chunks.ts";
import { RawConnection } from "./raw-http.ts";

let server: RealServer;
let count = 0;

function freshQueue(): string {
  count += 1;
  return `q${count}`;
}

interface Message {
  readonly meta: Readonly<Record<string, unknown>>;
  readonly payload: string;
}

/** One request on a connection of its own, to the end of the answer. */
async function exchange(request: string, end: RegExp): Promise<string> {
  const connection = new RawConnection(server.url);
  connection.say(request);
  const heard = await connection.until(end);
  connection.socket.destroy();
  return heard;
}

/** As both do: related parts with a form-data disposition, chunked, asking for leave first. */
async function enqueue(queue: string, payload: string): Promise<Record<string, unknown>> {
  const body = [
    "--go\r\n",
    'Content-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n',
    JSON.stringify({ queue, delay_seconds: 0, visibility_timeout_seconds: 0, max_attempts: 0 }),
    '\r\n--go\r\nContent-Disposition: form-data; name="payload"\r\n',
    `Content-Type: text/plain\r\n\r\n${payload}`,
    "\r\n--go--\r\n",
  ];
  const type = "Content-Type: multipart/related; boundary=go";
  const request = chunked("/v1/queue/enqueue", body, [type, "Expect: 100-continue"]);
  const heard = await exchange(request, /"message_id":"[^"]+"[^}]*}\n/);
  return JSON.parse(heard.slice(heard.indexOf("{", heard.lastIndexOf("\r\n\r\n")))) as Record<
    string,
    unknown
  >;
}

/** Reads by lines and counts; every byte must be where it belongs, and none may be left. */
class CountingReader {
  #rest: string;
  readonly #line: string;

  constructor(body: string, boundary: string) {
    this.#rest = body;
    this.#line = `--${boundary}`;
  }

  all(): Message[] {
    const messages: Message[] = [];
    let line = this.#readLine();
    while (line !== `${this.#line}--`) {
      expect(line).toBe(this.#line);
      messages.push(this.#message());
      line = this.#readLine();
    }
    expect(this.#rest).toBe("");
    return messages;
  }

  #message(): Message {
    const metaHeaders = this.#headers();
    expect(metaHeaders.get("content-disposition")).toMatch(/^form-data; name="meta"/);
    // It knows no length: the part goes to the next line that is the boundary.
    const end = this.#rest.indexOf(`\r\n${this.#line}\r\n`);
    const meta = this.#take(end);
    expect(meta.length).toBeLessThanOrEqual(4_096);
    expect(this.#readLine()).toBe("");
    expect(this.#readLine()).toBe(this.#line);
    const headers = this.#headers();
    expect(headers.get("content-disposition")).toMatch(/^form-data; name="payload"/);
    const length = headers.get("content-length") ?? "none";
    expect(length).toMatch(/^\d+$/);
    const payload = this.#take(Number(length));
    expect(this.#readLine()).toBe("");
    return { meta: JSON.parse(meta).message as Record<string, unknown>, payload };
  }

  #headers(): Map<string, string> {
    const headers = new Map<string, string>();
    for (let line = this.#readLine(); line !== ""; line = this.#readLine()) {
      const [name = "", value = ""] = line.split(": ", 2);
      headers.set(name.toLowerCase(), value);
    }
    return headers;
  }

  #readLine(): string {
    const end = this.#rest.indexOf("\r\n");
    expect(end).toBeGreaterThanOrEqual(0);
    const line = this.#take(end);
    this.#rest = this.#rest.slice(2);
    return line;
  }

  #take(length: number): string {
    const text = this.#rest.slice(0, length);
    expect(text).toHaveLength(length);
    this.#rest = this.#rest.slice(length);
    return text;
  }
}

/** Payload bytes that a scanner dares to hand out while nothing else has arrived. */
function readableBytes(arrived: string, boundary: string): number {
  const delimiter = `\r\n--${boundary}`;
  const at = arrived.indexOf(delimiter);
  if (at !== -1) return at;
  for (let held = Math.min(delimiter.length - 1, arrived.length); held > 0; held -= 1) {
    if (delimiter.startsWith(arrived.slice(-held))) return arrived.length - held;
  }
  return arrived.length;
}

async function dequeue(queue: string, more: object = {}): Promise<Message[]> {
  const body = { queue, owner: "c", visibility_timeout_seconds: 0, wait_seconds: 1, page_size: 0 };
  const request = post("/v1/queue/dequeue", JSON.stringify({ ...body, ...more }));
  const { head, body: answer } = dechunked(await exchange(request, /--\r\n(\r\n0\r\n\r\n)?$/));
  return new CountingReader(answer, boundaryIn(head)).all();
}

const nastyPayloads = ["", "\r\n", "a\r", "--", "\r\n--g", "x".repeat(100_000), "\r\n\r\n"];

describe.each(["mem://", "disk://"])("over %s", (store) => {
  let directory: string | undefined;
  beforeAll(async () => {
    if (store === "mem://") directory = undefined;
    else directory = await mkdtemp(path.join(tmpdir(), "lockd-old-clients-"));
    server = await startRealServer(directory === undefined ? {} : { directory });
  });
  afterAll(async () => {
    await server.stop();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  describe("a client that counts", () => {
    test("18: pages of nasty payloads, each where it belongs", async () => {
      const queue = freshQueue();
      for (const payload of nastyPayloads) await enqueue(queue, payload);
      const messages = await dequeue(queue, { page_size: 64 });
      expect(messages.map(({ payload }) => payload)).toEqual(nastyPayloads);
      expect(messages[0]?.meta).toMatchObject({ queue, attempts: 1, fencing_token: 1 });
    });

    test("30: a stream to its end", async () => {
      const queue = freshQueue();
      for (const payload of nastyPayloads) await enqueue(queue, payload);
      const ask = { queue, owner: "c", wait_seconds: -1, page_size: 64 };
      const request = post("/v1/queue/subscribe", JSON.stringify(ask));
      const { head, body } = dechunked(await exchange(request, /\r\n0\r\n\r\n$/));
      const messages = new CountingReader(body, boundaryIn(head)).all();
      expect(messages.map(({ payload }) => payload)).toEqual(nastyPayloads);
    });

    test("fields it sends back are taken, absent and zero ones too", async () => {
      const queue = freshQueue();
      await enqueue(queue, "x");
      const [message] = await dequeue(queue);
      const { namespace, message_id, lease_id, fencing_token, txn_id, meta_etag } =
        message?.meta ?? {};
      const ids = { namespace, queue, message_id, lease_id, txn_id, meta_etag };
      const settle = (verb: string, body: object) =>
        exchange(post(`/v1/queue/${verb}`, JSON.stringify(body)), /}\n?$/);
      const state = { state_etag: "", state_lease_id: "", state_fencing_token: 0 };
      const zero = await settle("extend", { ...ids, fencing_token: 0, extend_by_seconds: 0 });
      expect(zero).toContain("queue_message_lease_mismatch");
      const extended = await settle("extend", { ...ids, fencing_token, extend_by_seconds: 0 });
      const tag = /"meta_etag":"([^"]+)"/.exec(extended)?.[1];
      expect(extended).toMatch(/"lease_expires_at_unix":\d+/);
      expect(extended).toMatch(/"visibility_timeout_seconds":30/);
      const stale = await settle("nack", { ...ids, ...state, fencing_token, intent: "" });
      expect(stale).toContain("cas_mismatch");
      const acked = await settle("ack", { ...ids, ...state, fencing_token, meta_etag: tag });
      expect(acked).toContain('"acked":true');
    });
  });

  describe("a client that scans", () => {
    test.each(nastyPayloads)(
      "32: message %# is readable before there is a next one",
      async (payload) => {
        const queue = freshQueue();
        await enqueue(queue, payload);
        const connection = new RawConnection(server.url);
        connection.say(post("/v1/queue/subscribe", JSON.stringify({ queue, owner: "go" })));
        const arrived = (): string | undefined => {
          const { head, body } = dechunked(connection.heard);
          const boundary = boundaryIn(head);
          const at = /name="payload"[\s\S]*?\r\n\r\n/.exec(body);
          if (boundary === "" || at === null) return undefined;
          const behind = body.slice(at.index + at[0].length);
          return readableBytes(behind, boundary) === payload.length ? behind : undefined;
        };
        await expect.poll(arrived, { timeout: 5_000 }).toBeDefined();
        expect(arrived()?.startsWith(payload)).toBe(true);
        connection.socket.destroy();
      },
    );

    test("33, 35: acks open its window; leaving frees its place", async () => {
      const queue = freshQueue();
      for (const payload of ["one", "two"]) await enqueue(queue, payload);
      const connection = new RawConnection(server.url);
      connection.say(
        post("/v1/queue/subscribe", JSON.stringify({ queue, owner: "go", page_size: 1 })),
      );
      await connection.until(/one\r\n--[0-9a-f]+\r\n$/);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(connection.heard).not.toContain("two");
      const meta = /\{"message".*\}/.exec(connection.heard)?.[0] ?? "{}";
      const { message } = JSON.parse(meta) as { message: Record<string, unknown> };
      const { message_id, lease_id, fencing_token } = message;
      const ack = JSON.stringify({ queue, message_id, lease_id, fencing_token });
      await exchange(post("/v1/queue/ack", ack), /"acked":true/);
      await connection.until(/two\r\n--[0-9a-f]+\r\n$/);
      connection.socket.destroy();
      const stats = () => exchange(post("/v1/queue/stats", JSON.stringify({ queue })), /}\n?$/);
      await expect.poll(stats, { timeout: 5_000 }).toContain('"waiting_consumers":0');
    });
  });

  test("16: a consumer that leaves while it waits leaves the message untouched", async () => {
    const queue = freshQueue();
    const connection = new RawConnection(server.url);
    connection.say(post("/v1/queue/dequeue", JSON.stringify({ queue, owner: "gone" })));
    const stats = () => exchange(post("/v1/queue/stats", JSON.stringify({ queue })), /}\n?$/);
    await expect.poll(stats, { timeout: 5_000 }).toContain('"waiting_consumers":1');
    connection.socket.destroy();
    await expect.poll(stats, { timeout: 5_000 }).toContain('"waiting_consumers":0');
    await enqueue(queue, "x");
    const [message] = await dequeue(queue);
    expect(message?.meta).toMatchObject({ attempts: 1 });
  });
});

test("28, 36: a drain ends waits and streams, and lets holders settle", async () => {
  const own = await startRealServer({ drainGraceMs: 5_000 });
  const type = "Content-Type: multipart/related; boundary=b";
  const form = '--b\r\nContent-Disposition: form-data; name="payload"\r\n\r\nhello\r\n--b--\r\n';
  const ask = async (request: string, end: RegExp): Promise<string> => {
    const connection = new RawConnection(own.url);
    connection.say(request);
    const heard = await connection.until(end);
    connection.socket.destroy();
    return heard;
  };
  const enqueue = (queue: string) => post(`/v1/queue/enqueue?queue=${queue}`, form, [type]);
  const dequeue = (queue: string) =>
    post("/v1/queue/dequeue", JSON.stringify({ queue, owner: "w" }));
  for (const queue of ["q", "held"]) await ask(enqueue(queue), /}\n$/);
  const { head, body } = dechunked(await ask(dequeue("held"), /--\r\n$/));
  const [held] = new CountingReader(body, boundaryIn(head)).all();
  const connection = new RawConnection(own.url);
  const waiting = new RawConnection(own.url);
  connection.say(post("/v1/queue/subscribe", '{"queue":"q","owner":"w"}'));
  await connection.until(/hello/);
  waiting.say(dequeue("other"));
  const stats = () => ask(post("/v1/queue/stats", '{"queue":"other"}'), /}\n$/);
  await expect.poll(stats, { timeout: 5_000 }).toContain('"waiting_consumers":1');
  const stopping = own.stop();
  const streamed = dechunked(await connection.until(/\r\n0\r\n\r\n$/));
  expect(streamed.body).toMatch(/hello\r\n--[0-9a-f]+--\r\n$/);
  const refusal = /^HTTP\/1\.1 503 [\s\S]*Retry-After: \d+[\s\S]*shutdown_draining[^}]*}$/;
  for (const refused of [await waiting.until(/}$/), await ask(dequeue("held"), /}$/)]) {
    expect(refused).toMatch(refusal);
    expect(refused).toContain("Shutdown-Imminent: true\r\n");
  }
  expect(await ask(enqueue("q"), /}\n$/)).toContain("HTTP/1.1 200 OK");
  expect(await stats()).toContain('"waiting_consumers":0');
  const { message_id, lease_id, fencing_token, meta_etag } = held?.meta ?? {};
  const ids = { queue: "held", message_id, lease_id, fencing_token };
  const extend = post("/v1/queue/extend", JSON.stringify({ ...ids, meta_etag }));
  expect(await ask(extend, /}\n$/)).toContain("lease_expires_at_unix");
  const ack = post("/v1/queue/ack", JSON.stringify(ids));
  expect(await ask(ack, /}\n$/)).toContain('"acked":true');
  connection.socket.destroy();
  waiting.socket.destroy();
  await stopping;
});
