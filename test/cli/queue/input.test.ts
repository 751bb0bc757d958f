/** What the queue commands read: flags, environment, attributes, and files of messages. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failure } from "../../../src/api/errors.ts";
import type { EnqueueRequest } from "../../../src/api/queues.ts";
import { bulkEnqueue } from "../../../src/cli/queue/bulk-enqueue.ts";
import { attributesInput, enqueueTerms } from "../../../src/cli/queue/enqueue-input.ts";
import { type InputLine, inputLines } from "../../../src/cli/queue/input-lines.ts";
import { parseMessageLine } from "../../../src/cli/queue/message-line.ts";
import { deliveryInput, namedQueue, queueInput } from "../../../src/cli/queue/queue-input.ts";

const delivered = {
  LOCKD_QUEUE_NAME: "jobs",
  LOCKD_QUEUE_NAMESPACE: "shop",
  LOCKD_QUEUE_MESSAGE_ID: "m",
  LOCKD_QUEUE_LEASE: "l",
  LOCKD_QUEUE_META_ETAG: "e",
  LOCKD_QUEUE_FENCING_TOKEN: "3",
};

describe("queue and delivery", () => {
  test("flag, then environment; the queue's namespace before the client's", () => {
    expect(queueInput({}, undefined, delivered)).toEqual({ queue: "jobs", namespace: "shop" });
    const env = { ...delivered, LOCKD_CLIENT_NAMESPACE: "other" };
    expect(queueInput({ queue: "q" }, undefined, env)).toEqual({ queue: "q", namespace: "shop" });
    expect(() => queueInput({ queue: "a" }, "b", {})).toThrow(/given twice/);
    expect(() => queueInput({}, undefined, {})).toThrow(/--queue is required/);
  });

  test("messages are not put into a queue that is only in the environment", () => {
    expect(() => namedQueue({}, undefined, delivered)).toThrow(/--queue is required/);
    expect(namedQueue({}, "mail", delivered)).toEqual({ queue: "mail", namespace: "shop" });
  });

  test("a delivery comes from the environment; what is missing is named", () => {
    expect(deliveryInput({}, delivered)).toMatchObject({
      ...{ queue: "jobs", messageId: "m", leaseId: "l", metaEtag: "e", fencingToken: 3 },
      ...{ stateLeaseId: undefined, stateFencingToken: undefined },
    });
    for (const name of Object.keys(delivered).filter((name) => !name.endsWith("SPACE"))) {
      const without = { ...delivered, [name]: "" };
      expect(() => deliveryInput({}, without)).toThrow(new RegExp(`is required .*${name}`));
    }
    const zero = { ...delivered, LOCKD_QUEUE_FENCING_TOKEN: "0" };
    expect(() => deliveryInput({}, zero)).toThrow(/--fencing-token "0"/);
  });

  test("a state lease needs its token; an etag of a state without lease is ignored", () => {
    const stateful = { ...delivered, LOCKD_QUEUE_STATE_LEASE: "s" };
    expect(() => deliveryInput({}, stateful)).toThrow(/--state-fencing-token is required/);
    const whole = { ...stateful, LOCKD_QUEUE_STATE_FENCING_TOKEN: "1" };
    expect(deliveryInput({}, whole)).toMatchObject({ stateLeaseId: "s", stateFencingToken: 1 });
    const stale = { ...delivered, LOCKD_QUEUE_STATE_ETAG: "x" };
    expect(deliveryInput({}, stale).stateEtag).toBeUndefined();
  });
});

describe("what goes with a message", () => {
  test("attributes: texts by commas, JSON by itself, names that are there", () => {
    expect(attributesInput(["a=1, b = two ", "c="], ['d={"x":[1,2]}'])).toEqual({
      ...{ a: "1", b: "two", c: "", d: { x: [1, 2] } },
    });
    expect(attributesInput([], [])).toBeUndefined();
    expect(() => attributesInput(["novalue"], [])).toThrow(/--attr "novalue"/);
    expect(() => attributesInput(["=x"], [])).toThrow(/NAME=VALUE/);
    expect(() => attributesInput([], ["a={"])).toThrow(/--attr-json a is not JSON/);
  });

  test("durations are rounded up; a limit of deliveries is on unless it is taken off", () => {
    expect(enqueueTerms({ delay: "1500ms", ttl: "1m" })).toMatchObject({
      ...{ delaySeconds: 2, ttlSeconds: 60, maxDeliveries: 100, maxAttempts: undefined },
    });
    expect(enqueueTerms({ "max-deliveries": "0" }).maxDeliveries).toBe(0);
  });
});

describe("a line of messages", () => {
  const read = (line: object | string) =>
    parseMessageLine(typeof line === "string" ? line : JSON.stringify(line), { ttlSeconds: 9 });
  const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

  test("a text is the payload, other JSON is written as JSON", () => {
    const text = read({ payload: "hello" });
    expect([textOf(text.payload), text.terms.payloadContentType]).toEqual(["hello", undefined]);
    const json = read({ payload: { id: 1 } });
    expect([textOf(json.payload), json.terms.payloadContentType]).toEqual([
      ...['{"id":1}', "application/json"],
    ]);
    expect(textOf(read({ payload_base64: "AAH/" }).payload)).toBe(
      Buffer.from([0, 1, 255]).toString(),
    );
    expect(read({}).payload.length).toBe(0);
  });

  test("what it says wins over the flags, which fill what it leaves out", () => {
    const { terms } = read({ delay: "1m", ttl: 5, priority: -3, attributes: { a: null } });
    expect(terms).toMatchObject({ delaySeconds: 60, ttlSeconds: 5, priority: -3 });
    expect(terms.attributes).toEqual({ a: null });
    expect(read({}).terms.ttlSeconds).toBe(9);
  });

  test("it is in the transaction of the flags", () => {
    const { terms } = parseMessageLine("{}", { txnId: "dc50flng8vtes4sb7b0g" });
    expect(terms.txnId).toBe("dc50flng8vtes4sb7b0g");
  });

  test.each([
    ["{", /not JSON/],
    ["[]", /not a JSON object/],
    [{ paylod: "x" }, /"paylod" is unknown; known are payload/],
    [{ payload: "x", payload_base64: "AA==" }, /exclude each other/],
    [{ payload_base64: "ä" }, /not base64/],
    [{ delay: -1 }, /delay must be seconds/],
    [{ delay: "soon" }, /delay "soon"/],
    [{ max_attempts: "5" }, /max_attempts must be a whole number/],
    [{ group: 1 }, /group must be a text/],
    [{ attributes: [] }, /attributes must be an object/],
  ])("%j is refused", (line, message) => {
    expect(() => read(line)).toThrow(message);
  });

  test("lines do not depend on how their bytes come in pieces", async () => {
    const line = fc.string({ unit: "grapheme" }).map((text) => JSON.stringify({ payload: text }));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(line), sizes, async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n\n`).join(""));
        async function* pieces() {
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = cuts[turn % cuts.length] ?? 1;
            yield bytes.subarray(at, at + size);
            at += size;
          }
        }
        const found: InputLine[] = [];
        for await (const one of inputLines(pieces())) found.push(one);
        expect(found.map(({ text }) => text)).toEqual(lines);
        expect(found.map(({ number }) => number)).toEqual(lines.map((_, at) => at * 2 + 1));
      }),
    );
  });
});

describe("bulk", () => {
  async function* source(...lines: string[]) {
    yield Buffer.from(lines.join("\n"));
  }

  /** Enqueues all but "bad", and remembers. */
  function bulk(continueOnError: boolean, lines: string[]) {
    const payloads: string[] = [];
    const failures: number[] = [];
    const enqueue = async (_request: EnqueueRequest, payload: unknown) => {
      const text = Buffer.from(payload as Uint8Array).toString();
      if (text === "bad") throw failure("invalid_queue_option", "no");
      payloads.push(text);
      return {
        ...{ namespace: "n", queue: "q", messageId: text, attempts: 0, maxAttempts: 5 },
        ...{ failureAttempts: 0, notVisibleUntilUnix: 0, visibilityTimeoutSeconds: 30 },
        ...{ payloadBytes: 0, correlationId: "c", duplicate: false },
      };
    };
    const summary = bulkEnqueue(source(...lines), {
      ...{ queues: { enqueue }, address: { queue: "q" }, defaults: {}, call: {} },
      ...{ parallel: 1, continueOnError, done: async () => {} },
      failed: (line) => void failures.push(line),
    });
    return summary.then((given) => ({ ...given, payloads, failures }));
  }
  const line = (payload: string) => JSON.stringify({ payload });

  test("in order, and not a line further than the first failure", async () => {
    const lines = [line("a"), line("b"), line("bad"), line("c")];
    expect(await bulk(false, lines)).toMatchObject({
      ...{ enqueued: 2, failed: 1, payloads: ["a", "b"], failures: [3] },
      error: expect.objectContaining({ code: "invalid_queue_option" }),
    });
  });

  test("told to go on, it tells every failure and the first of them at the end", async () => {
    const lines = [line("a"), "{", line("bad"), line("c")];
    expect(await bulk(true, lines)).toMatchObject({
      ...{ enqueued: 2, failed: 2, payloads: ["a", "c"], failures: [2, 3] },
      error: expect.objectContaining({ code: "usage", message: expect.stringMatching(/^line 2:/) }),
    });
  });
});
