import { describe, expect, it } from "vitest";
import { LeaseLostError, LockdConfigError, ServerDrainingError } from "../../src/api/errors.ts";
import { withCorrelation } from "../../src/client/client.ts";
import {
  keepAliveLease,
  releaseLease,
  updateState,
  withLease,
} from "../../src/client/free-functions.ts";
import { failureOf } from "./http-fixture.ts";
import { leaseRequired, passive, request, sessionFixture } from "./session-fixture.ts";

describe("keepalive", () => {
  it("case 35: renews every half of the ttl and aborts the signal when it is refused", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire({ ...request, ttlMs: 4_000, autoKeepAlive: true });
    await clock.advance(6_000);
    expect(lockd.requests("keepAlive")).toHaveLength(3);
    expect(lockd.requests("keepAlive")[0]).toMatchObject({ ttlSeconds: 4 });
    lockd.fail("keepAlive", leaseRequired);
    await clock.advance(2_000);
    expect(session.signal.reason).toBeInstanceOf(LeaseLostError);
    await clock.advance(10_000);
    expect(lockd.requests("keepAlive")).toHaveLength(4);
  });

  it("stops with the release and with the fused release", async () => {
    const { client, clock } = sessionFixture();
    const one = await client.acquire({ ...request, autoKeepAlive: true });
    await one.release();
    const two = await client.acquire({ ...request, autoKeepAlive: true });
    await two.saveAndRelease(1);
    expect(clock.scheduled).toBe(0);
    expect(two.signal.aborted).toBe(false);
  });

  it("a renewal that crosses a release means nothing", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire({ ...request, ttlMs: 4_000, autoKeepAlive: true });
    lockd.next("release", async (_probed, through) => {
      await through();
      await clock.advance(5_000);
      return { released: true };
    });
    await session.release();
    expect(session.signal.aborted).toBe(false);
    expect(lockd.requests("keepAlive")).toHaveLength(0);
  });

  it("goes on after a failed commit, not after a failed roll-back", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire({ ...request, ttlMs: 4_000, autoKeepAlive: true });
    lockd.fail("release", passive);
    await failureOf(session.release());
    await clock.advance(2_000);
    expect(lockd.requests("keepAlive")).toHaveLength(1);
    lockd.fail("release", passive);
    await failureOf(session.release({ rollback: true }));
    await clock.advance(10_000);
    expect(lockd.requests("keepAlive")).toHaveLength(1);
  });

  it("moves the end of the lease", async () => {
    const { client, clock } = sessionFixture();
    const session = await client.acquire(request);
    await clock.advance(10_000);
    const before = session.raw.expiresAtUnix;
    const end = await session.keepAlive({ ttlMs: 60_000 });
    expect(session.raw.expiresAtUnix - before).toBe(40);
    expect(end).toEqual(session.expiresAt);
  });
});

describe("draining servers", () => {
  const draining = { "shutdown-imminent": "Yes" };

  it("case 36: sessions of that server are released once, others not", async () => {
    const { client, lockd, answered } = sessionFixture();
    const a = await client.acquire(request);
    lockd.endpoint = "fake://two";
    const b = await client.acquire({ ...request, key: "orders/2" });
    answered("fake://one", draining);
    answered("fake://one", draining);
    expect(a.signal.reason).toBeInstanceOf(ServerDrainingError);
    await expect.poll(() => a.released).toBe(true);
    expect(b.signal.aborted).toBe(false);
    expect(lockd.requests("release")).toHaveLength(1);
    answered("fake://two", { "shutdown-imminent": "no" });
    expect(b.signal.aborted).toBe(false);
  });

  it("case 36: nothing happens when the client is told not to care", async () => {
    const { client, answered } = sessionFixture({ drainAware: false });
    const session = await client.acquire(request);
    answered("fake://one", draining);
    expect(session.signal.aborted).toBe(false);
  });

  it("only tells a handler", async () => {
    const { client, lockd, answered } = sessionFixture();
    await client.acquireForUpdate(request, async (context) => {
      answered("fake://one", draining);
      expect(context.signal.reason).toBeInstanceOf(ServerDrainingError);
      expect(lockd.requests("release")).toHaveLength(0);
      await context.save("handled");
    });
    expect(await client.load("orders/1")).toBe("handled");
  });

  it("logs a failing release and nothing else", async () => {
    const warnings: unknown[] = [];
    const logger = { debug() {}, warn: (...all: unknown[]) => warnings.push(all) };
    const { client, lockd, answered } = sessionFixture({ logger });
    await client.acquire(request);
    lockd.fail("release", passive);
    answered("fake://one", draining);
    await expect.poll(() => warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject(["client.drain.release_failed", { key: "orders/1" }]);
  });
});

describe("leases obtained elsewhere", () => {
  it("case 37: without a token there is no session and no request", async () => {
    const { client, lockd } = sessionFixture();
    const ids = { key: "orders/1", leaseId: "c5v9d0sl70b3m3q8ndg0", txnId: "x" };
    expect(() => client.attachSession(ids)).toThrow(LockdConfigError);
    try {
      client.attachSession(ids);
    } catch (error) {
      expect(error).toMatchObject({ code: "missing_fencing_token" });
    }
    client.registerLeaseToken(ids.leaseId, 4);
    expect(client.attachSession(ids).fencingToken).toBe(4);
    expect(lockd.calls).toHaveLength(0);
  });

  it("raw calls use the registered token again and again", async () => {
    const { client, lockd } = sessionFixture();
    const { key, leaseId, txnId } = await client.acquire(request);
    const ids = { key, leaseId, txnId };
    await updateState(client, ids, '{"n":1}');
    await updateState(client, ids, '{"n":2}');
    await keepAliveLease(client, ids, { ttlMs: 60_000 });
    await releaseLease(client, ids);
    expect(lockd.requests("update")[1]).toMatchObject({ ifVersion: undefined, fencingToken: 1 });
    expect(await client.load("orders/1")).toEqual({ n: 2 });
    const error = await failureOf(updateState(client, ids, "3"));
    expect(error).toMatchObject({ code: "missing_fencing_token" });
  });

  it("a sticky lease makes reads private until it is released", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    await session.save("staged");
    expect(await client.getBytes("orders/1")).toBeNull();
    client.useLeaseId(session.leaseId);
    expect(await client.load("orders/1")).toBe("staged");
    expect(await client.getBytes("orders/1", { public: true })).toBeNull();
    await session.release({ rollback: true });
    expect(await client.getBytes("orders/1")).toBeNull();
    const error = await failureOf(client.get("orders/1", { public: false }));
    expect(error).toMatchObject({ code: "missing_lease" });
  });
});

describe("the client", () => {
  it("uses its namespace and checks it", async () => {
    const { client, lockd } = sessionFixture({ namespace: "Orders" });
    expect(client.namespace).toBe("orders");
    client.useNamespace("billing");
    await client.acquire(request);
    expect(lockd.requests("acquire")[0]).toMatchObject({ namespace: "billing" });
    expect(() => client.useNamespace(".hidden")).toThrow(LockdConfigError);
  });

  it("a view sends its correlation id", async () => {
    const { client, lockd } = sessionFixture();
    await withCorrelation(client, "cid-7").describe("k");
    expect(lockd.calls[0]?.call.correlationId).toBe("cid-7");
    expect(() => withCorrelation(client, "ä")).toThrow(LockdConfigError);
  });

  it("closing leaves leases alone unless asked to release them", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire({ ...request, autoKeepAlive: true });
    await client.close();
    await client.close();
    expect(lockd.verbs).toBe("acquire");
    expect(lockd.closed).toBe(1);
    expect(session.signal.aborted).toBe(true);
    expect(clock.scheduled).toBe(0);
    expect(await failureOf(client.get("k"))).toBeInstanceOf(LockdConfigError);

    const other = sessionFixture();
    await other.client.acquire(request);
    await other.client.close({ releaseSessions: true });
    expect(other.lockd.verbs).toBe("acquire release");
  });

  it("withLease commits what succeeds and rolls back what throws", async () => {
    const { client } = sessionFixture();
    expect(await withLease(client, request, async (session) => session.save(1))).toMatchObject({
      newVersion: 1,
    });
    const boom = new Error("boom");
    const error = await failureOf(
      withLease(client, request, async (session) => {
        await session.save(2);
        throw boom;
      }),
    );
    expect(error).toBe(boom);
    expect(await client.load("orders/1")).toBe(1);
    expect((await client.describe("orders/1")).leaseId).toBeUndefined();
  });
});
