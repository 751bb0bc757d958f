import { describe, expect, it } from "vitest";
import { AlreadyExistsError, LockdApiError, LockdTransportError } from "../../src/api/errors.ts";
import type { CarrierCall } from "../../src/client/carrier-call.ts";
import { JumpingClock } from "../support/jumping-clock.ts";
import { cut, failed, hang, ok, refusingUrl, type Step } from "../support/scripted-server.ts";
import { carrier, failureOf, leaseAnswer, serve } from "./http-fixture.ts";

const request = { key: "orders/1", owner: "w1", ttlSeconds: 30 };
const waiting = failed(409, "waiting", { retry_after_seconds: 1 });
const granted = ok(leaseAnswer, { "x-fencing-token": "7" });

function bodies(server: { requests: { body: Buffer }[] }): Record<string, unknown>[] {
  return server.requests.map((recorded) => JSON.parse(recorded.body.toString()));
}

describe("acquire", () => {
  it("decodes a grant and sends exactly the documented members", async () => {
    const server = await serve([granted]);
    const result = await carrier(server.url).acquire({ ...request, txnId: leaseAnswer.txn_id });
    expect(result).toEqual({
      namespace: "default",
      key: "orders/1",
      owner: "w1",
      leaseId: leaseAnswer.lease_id,
      txnId: leaseAnswer.txn_id,
      expiresAtUnix: 1_700_000_030,
      version: 3,
      stateEtag: "e3",
      fencingToken: 7,
      correlationId: "cid-1",
      state: undefined,
    });
    expect(bodies(server)).toEqual([
      {
        key: "orders/1",
        owner: "w1",
        ttl_seconds: 30,
        block_seconds: 0,
        txn_id: leaseAnswer.txn_id,
      },
    ]);
    expect(server.requests[0]?.headers["x-txn-id"]).toBe(leaseAnswer.txn_id);
  });

  it("case 17: without waiting there is one request", async () => {
    const server = await serve(() => waiting);
    const error = await failureOf(carrier(server.url).acquire({ ...request, blockSeconds: -1 }));
    expect(error).toMatchObject({ code: "waiting", status: 409, retryAfterMs: 1_000 });
    expect(bodies(server)).toMatchObject([{ block_seconds: -1 }]);
  });

  it("case 18: sends the rest of the wait each time, never 0, and ends with waiting", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 3_500 });
    const server = await serve(() => waiting);
    const lockd = carrier(server.url, { clock, random: { fraction: () => 0.5 } });
    const error = await failureOf(lockd.acquire({ ...request, blockSeconds: 3 }));
    expect(error).toMatchObject({ code: "waiting" });
    expect(bodies(server).map((body) => body.block_seconds)).toEqual([3, 2, 1]);
    expect(clock.monotonicMs()).toBe(3_000);
  });

  it("case 19: goes on after waiting and heeds the hint of 429", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 3_000 });
    const script = [
      waiting,
      failed(429, "throttled", {}, { "retry-after": "2" }),
      failed(409, "cas_mismatch"),
      granted,
    ];
    const server = await serve(script);
    const lockd = carrier(server.url, { clock, random: { fraction: () => 0 } });
    expect((await lockd.acquire(request)).fencingToken).toBe(7);
    expect(clock.jumps).toEqual([1_000, 2_000, 1_340]);
  });

  it("grows its pauses by 1.2 up to 5 s with 100 ms of jitter", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 6_000 });
    const held = failed(409, "waiting");
    const server = await serve((_request, index) => (index < 12 ? held : granted));
    await carrier(server.url, { clock, random: { fraction: () => 0.75 } }).acquire(request);
    expect(clock.jumps.map(Math.round)).toEqual([
      1_050, 1_250, 1_490, 1_778, 2_124, 2_538, 3_036, 3_633, 4_350, 5_050, 5_050, 5_050,
    ]);
  });

  it.each([
    ["403", failed(403, "namespace_forbidden")],
    ["400", failed(400, "invalid_key")],
    ["404", failed(404, "not_found")],
  ])("case 20: %s ends the loop at once", async (_name, step: Step) => {
    const server = await serve(() => step);
    expect(await failureOf(carrier(server.url).acquire(request))).toBeInstanceOf(LockdApiError);
    expect(server.requests).toHaveLength(1);
  });

  it("case 20: already_exists ends it with its own class", async () => {
    const server = await serve(() => failed(409, "already_exists"));
    const error = await failureOf(carrier(server.url).acquire({ ...request, ifNotExists: true }));
    expect(error).toBeInstanceOf(AlreadyExistsError);
    expect(server.requests).toHaveLength(1);
    expect(bodies(server)).toMatchObject([{ if_not_exists: true }]);
  });

  it("case 21: refused connections are retried five times", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 6_000 });
    const error = await failureOf(carrier(await refusingUrl(), { clock }).acquire(request));
    expect(error).toBeInstanceOf(LockdTransportError);
    expect(clock.jumps).toHaveLength(5);
  });

  it("counts failures anew after an answer", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 6_000 });
    const server = await serve([cut, cut, waiting, cut, cut, granted]);
    const call: CarrierCall = { backoff: { failureRetries: 2 } };
    await carrier(server.url, { clock }).acquire(request, call);
    expect(server.requests).toHaveLength(6);
  });

  it("case 22: an abort while waiting for ever rejects with the reason and closes", async () => {
    const server = await serve(() => hang);
    const abort = new AbortController();
    const running = failureOf(carrier(server.url).acquire(request, { signal: abort.signal }));
    await server.received(1);
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await running).toBe(reason);
    await server.requests[0]?.closed;
    expect(bodies(server)).toMatchObject([{ block_seconds: 0 }]);
  });

  it("case 22: also in the pause between two requests", async () => {
    const clock = new JumpingClock();
    const server = await serve(() => waiting);
    const abort = new AbortController();
    const running = failureOf(
      carrier(server.url, { clock }).acquire(request, { signal: abort.signal }),
    );
    await server.received(1);
    await expect.poll(() => clock.timers).toBe(1);
    abort.abort("stop");
    expect(await running).toBe("stop");
    expect(clock.timers).toBe(0);
  });

  it("case 24: three 503 do not end a wait for ever", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 6_000 });
    const down = failed(503, "store_unavailable");
    const server = await serve([down, down, down, granted]);
    expect((await carrier(server.url, { clock }).acquire(request)).key).toBe("orders/1");
  });

  it("tries another endpoint after a draining one, in given order too", async () => {
    const clock = new JumpingClock({ jumpBelowMs: 6_000 });
    const a = await serve(() => failed(503, "shutdown_draining"));
    const b = await serve([granted]);
    await carrier([a.url, b.url], { clock }).acquire(request);
    expect(a.requests).toHaveLength(1);
  });

  it("sends the caller's limit as the wait when it waits for ever", async () => {
    const clock = new JumpingClock();
    const server = await serve(() => hang);
    const running = failureOf(
      carrier(server.url, { clock }).acquire(request, { timeoutMs: 4_200 }),
    );
    await server.received(1);
    clock.advance(4_200);
    expect(await running).toMatchObject({ code: "timeout" });
    expect(bodies(server)).toMatchObject([{ block_seconds: 5 }]);
  });

  it("case 23: gives the key the server generated", async () => {
    const server = await serve([ok({ ...leaseAnswer, key: "generated" })]);
    expect((await carrier(server.url).acquire({ owner: "w1" })).key).toBe("generated");
  });

  it("closing ends a wait", async () => {
    const server = await serve(() => hang);
    const lockd = carrier(server.url);
    const running = failureOf(lockd.acquire(request));
    await server.received(1);
    await lockd.close();
    expect(await running).toMatchObject({ message: "this client was closed" });
    expect(await failureOf(lockd.acquire(request))).toMatchObject({ code: "invalid_option" });
  });
});

describe("acquire with the state", () => {
  const state = '{"step":1,"note":"ö"}';
  const size = Buffer.byteLength(state);
  const combined = (header: string, body: string): Step =>
    ok(body, {
      "content-type": "application/vnd.lockd.acquire-with-state",
      "x-lockd-returned-state": header,
    });

  it("splits the state off the answer", async () => {
    const json = JSON.stringify(leaseAnswer);
    const server = await serve([combined(String(size), json + state)]);
    const result = await carrier(server.url).acquire({ ...request, returnState: true });
    expect(server.requests[0]?.headers["x-lockd-return-state"]).toBe("1");
    expect(result.state).toMatchObject({ exists: true, version: 3, etag: "e3", size });
    expect(Buffer.from(result.state?.body as Uint8Array).toString()).toBe(state);
  });

  it("knows a key without state from a server that does not know the wish", async () => {
    const json = JSON.stringify({ ...leaseAnswer, version: 0, state_etag: undefined });
    const server = await serve([combined("none", json), granted]);
    const lockd = carrier(server.url);
    const none = await lockd.acquire({ ...request, returnState: true });
    expect(none.state).toMatchObject({ exists: false, version: 0, etag: "", size: 0 });
    const old = await lockd.acquire({ ...request, returnState: true });
    expect(old.state).toBeUndefined();
  });

  it("refuses a length that cannot be", async () => {
    const server = await serve([combined("999", JSON.stringify(leaseAnswer))]);
    const error = await failureOf(carrier(server.url).acquire({ ...request, returnState: true }));
    expect(error).toMatchObject({ code: "protocol" });
  });
});
