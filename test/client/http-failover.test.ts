import { describe, expect, it } from "vitest";
import {
  ConflictError,
  LockdApiError,
  LockdProtocolError,
  LockdTimeoutError,
  LockdTransportError,
  NodePassiveError,
  ThrottledError,
} from "../../src/api/errors.ts";
import type { CarrierCall } from "../../src/client/carrier-call.ts";
import { JumpingClock } from "../support/jumping-clock.ts";
import { cut, failed, hang, ok, refusingUrl } from "../support/scripted-server.ts";
import { carrier, failureOf, lease, serve, updateAnswer } from "./http-fixture.ts";

const state = Buffer.from('{"n":1}');
const passive = failed(503, "node_passive", { retry_after_seconds: 3 }, { "retry-after": "3" });
const described = { namespace: "default", key: "orders/1", version: 0, metadata: {} };

async function* once(...chunks: string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

describe("failover", () => {
  it("case 7: uses the second endpoint when the first refuses", async () => {
    const b = await serve([ok(described)]);
    const lockd = carrier([await refusingUrl(), b.url]);
    expect((await lockd.describe({ key: "orders/1" })).version).toBe(0);
    expect(b.requests).toHaveLength(1);
  });

  it("case 8: moves on from a passive node; two passive ones give NodePassiveError", async () => {
    const a = await serve([passive, passive]);
    const b = await serve([ok(described), passive]);
    const lockd = carrier([a.url, b.url]);
    await lockd.describe({ key: "k" });
    const error = await failureOf(lockd.describe({ key: "k" }));
    expect(error).toBeInstanceOf(NodePassiveError);
    expect(error).toMatchObject({ retryAfterMs: 3_000, status: 503, endpoint: b.url });
  });

  it("case 9: an empty 503 moves on, a drain answer does not", async () => {
    const a = await serve([{ kind: "answer", status: 503 }, failed(503, "shutdown_draining")]);
    const b = await serve([ok(described)]);
    const lockd = carrier([a.url, b.url]);
    await lockd.describe({ key: "k" });
    const error = await failureOf(lockd.describe({ key: "k" }));
    expect(error).toMatchObject({ code: "shutdown_draining", endpoint: a.url });
    expect(b.requests).toHaveLength(1);
  });

  it("case 10: names all endpoints when all refuse", async () => {
    const urls = [await refusingUrl(), await refusingUrl()];
    const error = await failureOf(carrier(urls).describe({ key: "k" }));
    expect(error).toBeInstanceOf(LockdTransportError);
    expect(error).toMatchObject({ code: "transport", endpoints: urls, outcomeUnknown: false });
    expect(String(error)).toMatch(/all endpoints unreachable.*ECONNREFUSED/);
  });

  it("tries the preferred endpoint first and shuffles by the given randomness", async () => {
    const a = await serve(() => ok(described));
    const b = await serve(() => ok(described));
    const preferring = carrier([a.url, b.url]);
    const call: CarrierCall = { preferEndpoint: b.url };
    await preferring.describe({ key: "k" }, call);
    expect(b.requests).toHaveLength(1);
    const shuffled = carrier([a.url, b.url], { shuffle: true, random: { fraction: () => 0 } });
    await shuffled.describe({ key: "k" });
    expect(b.requests).toHaveLength(2);
    expect(a.requests).toHaveLength(0);
  });
});

describe("update", () => {
  it("case 11: repeats after a cut connection with the same body", async () => {
    const server = await serve([cut, ok(updateAnswer)]);
    const result = await carrier(server.url).update(lease, state);
    expect(result).toEqual({
      newVersion: 4,
      newStateEtag: "e4",
      bytes: 7,
      metadata: {},
      fencingToken: 7,
      released: false,
    });
    expect(server.requests.map((request) => request.body.toString())).toEqual([
      '{"n":1}',
      '{"n":1}',
    ]);
  });

  it("case 12: waits for a passive node five times, not six", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 1_000 });
    const five = await serve([passive, passive, passive, passive, passive, ok(updateAnswer)]);
    await carrier(five.url, { clock }).update(lease, state);
    expect(clock.jumps).toEqual([500, 500, 500, 500, 500]);
    const six = await serve(() => passive);
    const error = await failureOf(carrier(six.url, { clock }).update(lease, state));
    expect(error).toBeInstanceOf(NodePassiveError);
    expect(six.requests).toHaveLength(6);
  });

  it("doubles its pauses up to the cap", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 1_000 });
    const server = await serve(() => cut);
    const lockd = carrier(server.url, { clock, failureRetries: 7 });
    const error = await failureOf(lockd.update(lease, state));
    expect(error).toMatchObject({ code: "transport", outcomeUnknown: true });
    expect(clock.jumps).toEqual([10, 20, 40, 80, 160, 320, 500]);
  });

  it("case 13: sends a stream once and says that the outcome is unknown", async () => {
    const server = await serve(() => cut);
    const error = await failureOf(carrier(server.url).update(lease, once('{"n":', "1}")));
    expect(error).toBeInstanceOf(LockdTransportError);
    expect(error).toMatchObject({ outcomeUnknown: true, operation: "update" });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers["transfer-encoding"]).toBe("chunked");
  });

  it("sends an untouched stream to the next endpoint when the first refuses", async () => {
    const server = await serve([ok(updateAnswer)]);
    const lockd = carrier([await refusingUrl(), server.url]);
    await lockd.update(lease, once('{"n":', "1}"));
    expect(server.requests[0]?.body.toString()).toBe('{"n":1}');
  });

  it("rejects with the error of the caller's own stream and never sends a whole body", async () => {
    const server = await serve(() => hang);
    const broken = (async function* () {
      yield Buffer.from('{"n":');
      throw new RangeError("source broke");
    })();
    const error = await failureOf(carrier(server.url).update(lease, broken));
    expect(error).toBeInstanceOf(RangeError);
    expect(server.requests).toHaveLength(0);
  });

  it("case 14: a conflict after a lost answer is marked as of unknown outcome", async () => {
    const server = await serve([cut, failed(409, "version_conflict", { current_version: 4 })]);
    const error = await failureOf(carrier(server.url).update({ ...lease, ifVersion: 3 }, state));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ outcomeUnknown: true, currentVersion: 4 });
  });

  it("case 15: 429 is given back at once with its hint", async () => {
    const at = new Date(Date.now() + 60_000).toUTCString();
    const server = await serve([
      failed(429, "throttled", {}, { "retry-after": "1.5", "x-lockd-qrf-state": "ENGAGED" }),
      failed(429, "throttled", {}, { "retry-after": at }),
      failed(429, "throttled", { retry_after_seconds: 2 }),
    ]);
    const lockd = carrier(server.url);
    const first = await failureOf(lockd.update(lease, state));
    expect(first).toBeInstanceOf(ThrottledError);
    expect(first).toMatchObject({ retryAfterMs: 1_500, qrfState: "engaged" });
    const second = (await failureOf(lockd.update(lease, state))) as ThrottledError;
    expect(second.retryAfterMs).toBeGreaterThan(55_000);
    expect(second.retryAfterMs).toBeLessThanOrEqual(60_000);
    const third = await failureOf(lockd.update(lease, state));
    expect(third).toMatchObject({ retryAfterMs: 2_000 });
    expect(server.requests).toHaveLength(3);
  });

  it("sends conditions, checksums, metadata and the wish to release", async () => {
    const answer = ok(updateAnswer, { "x-lockd-released": "commit", "x-fencing-token": "7" });
    const server = await serve([answer]);
    const result = await carrier(server.url).update(
      {
        ...lease,
        namespace: "a b",
        ifVersion: 0,
        ifStateEtag: "e3",
        expectedBytes: "7",
        expectedSha256: "ab",
        queryHidden: false,
        release: "commit",
      },
      state,
      { correlationId: " cid " },
    );
    expect(result.released).toBe(true);
    const [request] = server.requests;
    expect(request?.query.get("namespace")).toBe("a b");
    expect(request?.query.get("key")).toBe("orders/1");
    expect(request?.headers).toMatchObject({
      "x-lease-id": lease.leaseId,
      "x-txn-id": lease.txnId,
      "x-fencing-token": "7",
      "x-if-version": "0",
      "x-if-state-etag": "e3",
      "x-expected-bytes": "7",
      "x-expected-sha256": "ab",
      "x-lockd-meta-query-hidden": "false",
      "x-lockd-release": "commit",
      "x-correlation-id": "cid",
      "content-length": "7",
    });
  });

  it("repeats a fused update whose answer was lost", async () => {
    const released = ok(updateAnswer, { "x-lockd-released": "commit" });
    const server = await serve([cut, released]);
    const fused = { ...lease, release: "commit" as const };
    expect((await carrier(server.url).update(fused, state)).released).toBe(true);
    expect(server.requests).toHaveLength(2);
  });
});

describe("limits", () => {
  it("case 4: 15 s for one endpoint, 3 s each for two", async () => {
    const server = await serve(() => hang);
    const other = await serve(() => hang);
    for (const [urls, limitMs] of [
      [[server.url], 15_000],
      [[server.url, other.url], 3_000],
    ] as const) {
      const clock = new JumpingClock();
      const before = server.requests.length;
      const running = failureOf(carrier([...urls], { clock }).remove(lease));
      await server.received(before + 1);
      clock.advance(limitMs - 1);
      expect(clock.timers).toBe(1);
      clock.advance(1);
      if (urls.length > 1) {
        await other.received(1);
        clock.advance(limitMs);
      }
      const error = await running;
      expect(error).toBeInstanceOf(LockdTimeoutError);
      expect(error).toMatchObject({ code: "timeout", outcomeUnknown: true });
    }
  });

  it("divides the caller's limit among the endpoints that are left", async () => {
    const a = await serve(() => hang);
    const b = await serve([ok({ released: true })]);
    const clock = new JumpingClock();
    const lockd = carrier([a.url, b.url], { clock, httpTimeoutMs: 15_000 });
    const running = lockd.release(lease, { timeoutMs: 1_000 });
    await a.received(1);
    clock.advance(500);
    expect(await running).toEqual({ released: true });
    await a.requests[0]?.closed;
  });

  it("gives up at the caller's limit", async () => {
    const server = await serve(() => hang);
    const clock = new JumpingClock();
    const running = failureOf(carrier(server.url, { clock }).get(lease, { timeoutMs: 70 }));
    await server.received(1);
    clock.advance(70);
    expect(await running).toMatchObject({ code: "timeout", outcomeUnknown: false });
  });

  it("aborts with the signal's own reason and closes the request", async () => {
    const server = await serve(() => hang);
    const abort = new AbortController();
    const running = failureOf(carrier(server.url).get(lease, { signal: abort.signal }));
    await server.received(1);
    const reason = { my: "reason" };
    abort.abort(reason);
    expect(await running).toBe(reason);
    await server.requests[0]?.closed;
  });

  it("does not send anything when the signal is aborted already", async () => {
    const server = await serve(() => hang);
    const signal = AbortSignal.abort("no");
    expect(await failureOf(carrier(server.url).get(lease, { signal }))).toBe("no");
    expect(server.requests).toHaveLength(0);
  });
});

describe("answers that break the protocol", () => {
  it.each([
    ["not JSON", "<html>", {}],
    ["an array", "[1]", {}],
    ["no version", { new_state_etag: "x" }, {}],
    ["a version beyond 2^53", '{"new_version":9007199254740993,"new_state_etag":"x"}', {}],
    ["a version as text", { new_version: "4", new_state_etag: "x" }, {}],
    ["a broken token header", updateAnswer, { "x-fencing-token": "7x" }],
    ["a token beyond 2^53", updateAnswer, { "x-fencing-token": "9007199254740993" }],
  ])("%s", async (_name, body, headers) => {
    const server = await serve([ok(body, headers)]);
    const error = await failureOf(carrier(server.url).update(lease, state));
    expect(error).toBeInstanceOf(LockdProtocolError);
    expect(error).toMatchObject({
      operation: "update",
      endpoint: server.url,
      outcomeUnknown: true,
    });
  });

  it("refuses released: false", async () => {
    const server = await serve([ok({ released: false })]);
    expect(await failureOf(carrier(server.url).release(lease))).toBeInstanceOf(LockdProtocolError);
  });

  it("keeps the text of a foreign error", async () => {
    const server = await serve([{ kind: "answer", status: 502, body: "<h1>Bad Gateway</h1>" }]);
    const error = await failureOf(carrier(server.url).describe({ key: "k" }));
    expect(error).toBeInstanceOf(LockdApiError);
    expect(error).toMatchObject({ code: "http_502", status: 502, body: "<h1>Bad Gateway</h1>" });
  });

  it("ignores members and headers it does not know", async () => {
    const body = { ...updateAnswer, novel: { deep: 9007199254740993n.toString() }, metadata: null };
    const server = await serve([ok(body, { "x-novel": "1" })]);
    expect((await carrier(server.url).update(lease, state)).newVersion).toBe(4);
  });

  it("says truncated when a short answer breaks off everywhere", async () => {
    const server = await serve(() => ({
      kind: "answer",
      body: described,
      headers: { "content-length": "500" },
      cutAfterBytes: 5,
    }));
    const error = await failureOf(carrier(server.url).describe({ key: "k" }));
    expect(error).toMatchObject({ code: "truncated", outcomeUnknown: false });
  });
});
