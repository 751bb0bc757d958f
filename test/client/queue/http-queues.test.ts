/** The queue verbs over HTTP: what goes out, what is understood, what is repeated. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  failure,
  type LockdError,
  LockdProtocolError,
  LockdTransportError,
} from "../../../src/api/errors.ts";
import type { EnqueueRequest } from "../../../src/api/queues.ts";
import { HttpLockd } from "../../../src/client/http-lockd.ts";
import { bytesOf } from "../../conformance/lockd-suite.ts";
import {
  delivery,
  FedStream,
  longPayload,
  type ScriptedQueueServer,
  startScriptedQueues,
} from "../../support/scripted-queues.ts";
import { cut, failed, ok, type Step } from "../../support/scripted-server.ts";
import { carrier, failureOf, serve } from "../http-fixture.ts";

let server: ScriptedQueueServer;
let lockd: HttpLockd;

beforeAll(async () => {
  server = await startScriptedQueues();
  lockd = new HttpLockd({ endpoints: server.url, closeTimeoutMs: 200 });
});
afterAll(async () => {
  await lockd.close();
  await server.stop();
});

const enqueued = {
  namespace: "default",
  queue: "q",
  messageId: "m",
  attempts: 0,
  maxAttempts: 5,
  failureAttempts: 0,
  notVisibleUntilUnix: 1_700_000_000,
  visibilityTimeoutSeconds: 30,
  payloadBytes: 3,
  correlationId: "stored",
  duplicate: false,
};
const ask = { queue: "q", owner: "w" };

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** A 200 in the framing of section 6. */
function framed(body: string, type = "multipart/related; boundary=B"): Step {
  return {
    kind: "answer",
    status: 200,
    headers: { "content-type": type },
    body: Buffer.from(body, "latin1"),
  };
}

const message = {
  namespace: "default",
  queue: "q",
  message_id: "m",
  attempts: 1,
  max_attempts: 5,
  not_visible_until_unix: 9,
  visibility_timeout_seconds: 30,
  payload_content_type: "text/plain",
  payload_bytes: 2,
  correlation_id: "c",
  lease_id: "l",
  lease_expires_at_unix: 9,
  fencing_token: 1,
  txn_id: "t",
  meta_etag: "e",
};

function pairText(payload: string, options: { counted?: boolean; name?: string } = {}): string {
  const { counted = true, name = "payload" } = options;
  const length = counted ? `Content-Length: ${payload.length}\r\n` : "";
  const meta = JSON.stringify({ message: { ...message, payload_bytes: payload.length } });
  return (
    '--B\r\nContent-Disposition: form-data; name="meta"; filename="meta-0.json"\r\n' +
    `Content-Type: application/json\r\n\r\n${meta}\r\n--B\r\n` +
    `Content-Disposition: form-data; name="${name}"\r\n${length}\r\n${payload}\r\n`
  );
}

describe("enqueue", () => {
  test.each([
    ["bytes", () => Buffer.from("a\r\n"), true],
    ["a stream", () => pieces("a", "\r\n"), false],
    ["nothing", () => new Uint8Array(0), true],
  ])("%s arrive with everything that was said about them", async (_name, payload, sized) => {
    const seen: unknown[] = [];
    const request: EnqueueRequest = {
      namespace: "n",
      queue: "q",
      delaySeconds: 1,
      visibilityTimeoutSeconds: 2,
      ttlSeconds: 3,
      maxAttempts: 4,
      attributes: { a: { b: [1.5] } },
      payloadContentType: "text/plain",
      maxDeliveries: 5,
      priority: 6,
      group: "g",
      dedupeKey: "d",
      dedupeWindowSeconds: 7,
      txnId: "t",
    };
    server.script({
      enqueue: async (asked, body, call) => {
        seen.push(asked, (await bytesOf(body)).toString(), call?.correlationId);
        return { ...enqueued, txnId: "t" };
      },
    });
    const answer = await lockd.queues.enqueue(request, payload(), { correlationId: "mine" });
    expect(answer).toEqual({ ...enqueued, txnId: "t" });
    const wanted = _name === "nothing" ? "" : "a\r\n";
    expect(seen).toEqual([request, wanted, "mine"]);
    expect(sized).toBe(payload() instanceof Uint8Array);
  });

  const answer = { namespace: "default", queue: "q", message_id: "m", correlation_id: "c" };

  test("a server that does not say it holds the message back is not believed", async () => {
    const one = await serve([ok(answer)]);
    const request = { queue: "q", txnId: "t" };
    const error = await failureOf(carrier(one.url).queues.enqueue(request, Buffer.from("x")));
    expect(error).toBeInstanceOf(LockdProtocolError);
  });

  test("a lost answer is not repeated without a key", async () => {
    const one = await serve([cut]);
    const error = await failureOf(
      carrier(one.url).queues.enqueue({ queue: "q" }, Buffer.from("x")),
    );
    expect(error).toBeInstanceOf(LockdTransportError);
    expect((error as LockdError).outcomeUnknown).toBe(true);
    expect(one.requests).toHaveLength(1);
  });

  test("with a key: found out once whether the server looks at it, then repeated", async () => {
    const one = await serve((request, index) => {
      if (request.path === "/v1/x/queue/list") return ok({ queues: [] });
      return index === 0 || index === 3 ? cut : ok({ ...answer, duplicate: true });
    });
    const { queues } = carrier(one.url);
    const again = await queues.enqueue({ queue: "q" }, Buffer.from("x"), { repeatKey: "k1" });
    expect(again.duplicate).toBe(true);
    await queues.enqueue({ queue: "q" }, Buffer.from("x"), { repeatKey: "k2" });
    const keys = one.requests.map(({ body }) => /"dedupe_key":"(k\d)"/.exec(body.toString())?.[1]);
    expect(keys).toEqual(["k1", undefined, "k1", "k2", "k2"]);
  });

  test("an old server: no repetition, and no keys any more", async () => {
    const one = await serve((request, index) => {
      if (request.path === "/v1/x/queue/list") return failed(404, "not_found");
      return index === 0 ? cut : ok(answer);
    });
    const { queues } = carrier(one.url);
    const call = { repeatKey: "k" };
    await failureOf(queues.enqueue({ queue: "q" }, Buffer.from("x"), call));
    const later = await queues.enqueue({ queue: "q" }, Buffer.from("x"), call);
    expect(later).toMatchObject({ duplicate: false, maxAttempts: 0 });
    expect(one.requests).toHaveLength(3);
    expect(one.requests[2]?.body.toString()).not.toContain("dedupe_key");
  });

  test("a passive node: the next one gets a body that can be sent again", async () => {
    const passive = await serve([failed(503, "node_passive"), failed(503, "node_passive")]);
    const active = await serve([ok(answer)]);
    const { queues } = carrier([passive.url, active.url]);
    await queues.enqueue({ queue: "q" }, Buffer.from("x"));
    expect(active.requests).toHaveLength(1);
    const error = await failureOf(queues.enqueue({ queue: "q" }, pieces("x")));
    expect((error as LockdError).code).toBe("node_passive");
    expect(active.requests).toHaveLength(1);
  });

  test("the caller's own failing stream is the caller's error", async () => {
    server.script({
      enqueue: async (_request, body) => {
        await bytesOf(body);
        return enqueued;
      },
    });
    const mine = new Error("mine");
    const failing = (async function* () {
      yield Buffer.from("x");
      throw mine;
    })();
    expect(await failureOf(lockd.queues.enqueue({ queue: "q" }, failing))).toBe(mine);
  });
});

describe("deliveries", () => {
  test("one, with every member and state", async () => {
    const state = { etag: "s", leaseId: "l", leaseExpiresAtUnix: 9, fencingToken: 2, txnId: "t" };
    const sent = delivery({ state, failureAttempts: 1, attributes: { a: [1.5] } });
    server.script({ dequeue: async () => [sent] });
    const [got] = await lockd.queues.dequeue({ ...ask, withState: true });
    expect(got).toEqual(sent);
  });

  test("a batch, with payloads of every size", async () => {
    const sizes = [0, 5, 100_000, 700_000, 3];
    server.script({
      dequeue: async () =>
        sizes.map((size) => {
          const payload = size > 65_536 ? longPayload(size) : Buffer.alloc(size, 120);
          return delivery({ messageId: `m${size}`, payload, payloadBytes: size });
        }),
    });
    const got = await lockd.queues.dequeue({ ...ask, pageSize: 5 });
    expect(got.map(({ messageId }) => messageId)).toEqual(sizes.map((size) => `m${size}`));
    const lengths: number[] = [];
    for (const { payload } of got) lengths.push((await bytesOf(payload)).length);
    expect(lengths).toEqual(sizes);
  });

  test("a long payload is a stream; letting go of it frees the connection", async () => {
    let closed = 0;
    const onClose = (): void => {
      closed += 1;
    };
    server.script({
      dequeue: async () => {
        const payload = longPayload(5_000_000, { onClose });
        return [delivery({ payload, payloadBytes: 5_000_000 })];
      },
    });
    const [first] = await lockd.queues.dequeue(ask);
    expect(first?.payload).not.toBeInstanceOf(Uint8Array);
    expect((await bytesOf(first?.payload ?? Buffer.alloc(0))).length).toBe(5_000_000);
    const [second] = await lockd.queues.dequeue(ask);
    if (second === undefined || second.payload instanceof Uint8Array) throw new Error("no stream");
    await second.payload.close();
    await expect.poll(() => closed).toBe(2);
  });

  test("waiting, and other refusals", async () => {
    server.script({
      dequeue: async () => {
        throw failure("waiting", "nothing", { retryAfterMs: 2_000 });
      },
    });
    const error = await failureOf(lockd.queues.dequeue(ask));
    expect(error).toMatchObject({ code: "waiting", status: 409, retryAfterMs: 2_000 });
  });

  test.each([
    ["no length and nothing flushed ahead", `${pairText("a\r", { counted: false })}--B--\r\n`],
    ["a closing delimiter without line end", `${pairText("a\r")}--B--`],
  ])("an old server's framing: %s", async (_name, body) => {
    const { queues } = carrier((await serve([framed(body)])).url);
    const [got] = await queues.dequeue(ask);
    expect(Buffer.from((got?.payload ?? []) as Uint8Array).toString()).toBe("a\r");
  });

  test("no message at all is an empty page", async () => {
    const { queues } = carrier((await serve([framed("--B--\r\n")])).url);
    expect(await queues.dequeue(ask)).toEqual([]);
  });

  test.each([
    ["an unknown part", framed(`${pairText("x", { name: "other" })}--B--`)],
    ["no payload", framed(`${pairText("x").split("--B\r\n").slice(0, 2).join("--B\r\n")}--B--`)],
    ["no multipart", framed("{}", "application/json")],
    ["metadata of nothing", framed(pairText("x").replace('"message":', '"massage":'))],
  ])("%s breaks the protocol", async (_name, step) => {
    const { queues } = carrier((await serve([step])).url);
    expect(await failureOf(queues.dequeue(ask))).toBeInstanceOf(LockdProtocolError);
  });

  test("an answer that breaks off says so", async () => {
    const whole = pairText("x".repeat(200_000));
    const { queues } = carrier((await serve([framed(whole), framed(whole.slice(0, 120_000))])).url);
    const [got] = await queues.dequeue(ask);
    if (got === undefined) throw new Error("nothing came");
    expect(await failureOf(bytesOf(got.payload))).toMatchObject({ code: "truncated" });
    const [short] = await queues.dequeue(ask);
    if (short === undefined) throw new Error("nothing came");
    expect(await failureOf(bytesOf(short.payload))).toMatchObject({ code: "truncated" });
  });
});

describe("subscribe", () => {
  test("messages as they come, long ones as streams, until a clean end", async () => {
    const stream = new FedStream().feed(
      delivery({ messageId: "a" }),
      delivery({ messageId: "b", payload: longPayload(300_000), payloadBytes: 300_000 }),
      delivery({ messageId: "c", payload: longPayload(300_000), payloadBytes: 300_000 }),
    );
    server.script({ subscribe: async () => stream });
    const seen: string[] = [];
    for await (const got of await lockd.queues.subscribe(ask)) {
      seen.push(got.messageId);
      // Read, left unread, read halfway: the next one comes all the same.
      if (got.messageId === "b" && !(got.payload instanceof Uint8Array)) {
        for await (const _piece of got.payload) break;
      }
      if (got.messageId === "c") stream.feed(delivery({ messageId: "d" })).end();
    }
    expect(seen).toEqual(["a", "b", "c", "d"]);
  });

  test("a message is there before anything follows it, whatever its last bytes are", async () => {
    const stream = new FedStream().feed(delivery({ payload: Buffer.from("x\r\n") }));
    server.script({ subscribe: async () => stream });
    const messages = await lockd.queues.subscribe(ask);
    for await (const got of messages) {
      expect((await bytesOf(got.payload)).toString()).toBe("x\r\n");
      break;
    }
    await expect.poll(() => stream.closed).toBe(true);
  });

  test("leaving gives back what was sent ahead and not read", async () => {
    const deferred: unknown[] = [];
    const stream = new FedStream();
    for (const messageId of ["a", "b", "c"]) stream.feed(delivery({ messageId }));
    server.script({
      subscribe: async () => stream,
      nack: async ({ messageId, intent, fencingToken }) => {
        deferred.push({ messageId, intent, fencingToken });
        return { requeued: true, metaEtag: "e", correlationId: "c" };
      },
    });
    const messages = await lockd.queues.subscribe({ ...ask, pageSize: 3 });
    for await (const got of messages) {
      expect(got.messageId).toBe("a");
      await expect.poll(() => stream.taken).toBe(3);
      await new Promise((resolve) => setTimeout(resolve, 50));
      break;
    }
    expect(deferred).toEqual([
      { messageId: "b", intent: "defer", fencingToken: 1 },
      { messageId: "c", intent: "defer", fencingToken: 1 },
    ]);
  });

  test("an aborted call ends the stream with its reason; a lost connection is told", async () => {
    const abort = new AbortController();
    server.script({ subscribe: async () => new FedStream().feed(delivery()) });
    const messages = await lockd.queues.subscribe(ask, { signal: abort.signal });
    const reading = (async () => {
      for await (const _got of messages) abort.abort(new Error("enough"));
    })();
    expect(await failureOf(reading)).toMatchObject({ message: "enough" });

    const text = pairText("x".repeat(70_000));
    const step: Step = { ...framed(`${text}${text}`), cutAfterBytes: text.length + 10 } as Step;
    const broken = carrier((await serve([step])).url);
    const seen: string[] = [];
    const lost = (async () => {
      for await (const got of await broken.queues.subscribe(ask)) seen.push(got.messageId);
    })();
    expect(await failureOf(lost)).toMatchObject({ code: "truncated" });
    expect(seen).toEqual(["m"]);
  });
});
