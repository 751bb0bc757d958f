import { describe, expect, it, vi } from "vitest";
import { ConflictError, LeaseLostError, SessionClosedError } from "../../src/api/errors.ts";
import { lostReleaseRetries } from "../../src/client/limits.ts";
import { failureOf } from "./http-fixture.ts";
import {
  advancing,
  leaseRequired,
  lostAnswer,
  passive,
  request,
  sessionFixture,
} from "./session-fixture.ts";

describe("release", () => {
  it("case 30: twice is one request; afterwards the session is closed", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    await Promise.all([session.release(), session.release()]);
    await session.release();
    expect(lockd.requests("release")).toHaveLength(1);
    expect(session.released).toBe(true);
    for (const call of [session.save(1), session.get(), session.keepAlive(), session.remove()]) {
      expect(await failureOf(call)).toBeInstanceOf(SessionClosedError);
    }
  });

  it("case 31: a roll-back leaves the public state", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    await session.release({ rollback: true });
    expect(await client.getBytes("orders/1")).toBeNull();
  });

  it("case 32: a vanished lease matters only when something was staged", async () => {
    const { client, lockd } = sessionFixture();
    const clean = await client.acquire(request);
    const { key, leaseId, txnId, fencingToken } = clean;
    await lockd.release({ key, leaseId, txnId, fencingToken });
    lockd.fail("release", leaseRequired);
    await clean.release();
    const dirty = await client.acquire(request);
    await dirty.save(1);
    lockd.fail("release", leaseRequired);
    const error = await failureOf(dirty.release());
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(error).toMatchObject({ staged: true, code: "lease_required" });
  });

  it("case 32: also when the server answers an expired lease with success", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire({ ...request, ttlMs: 2_000 });
    await session.save(1);
    await clock.advance(3_000);
    const error = await failureOf(session.release());
    expect(error).toMatchObject({ name: "LeaseLostError", staged: true });
    expect(lockd.verbs).toBe("acquire update release describe");
  });

  it("case 32: what others committed since is not taken for our own", async () => {
    const { client, clock, lockd } = sessionFixture();
    const commit = async (value: string) => {
      const other = await client.acquire({ ...request, owner: "w2" });
      await other.saveAndRelease(value);
    };
    const same = await client.acquire({ ...request, ttlMs: 2_000 });
    await same.save("mine");
    await clock.advance(3_000);
    await commit("theirs");
    expect(await failureOf(same.release())).toMatchObject({ staged: true });

    const higher = await client.acquire({ ...request, ttlMs: 2_000 });
    await higher.save("mine");
    await clock.advance(3_000);
    await commit("theirs");
    await commit("theirs again");
    lockd.fail("release", leaseRequired);
    expect(await failureOf(higher.release())).toMatchObject({ staged: true });
  });

  it("an update of unknown outcome counts as staged", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    lockd.fail("update", lostAnswer());
    expect(await failureOf(session.save(1))).toMatchObject({ outcomeUnknown: true });
    lockd.fail("release", leaseRequired);
    expect(await failureOf(session.release())).toMatchObject({ staged: true });
  });

  it("looks nothing up while the lease surely runs", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    await session.release();
    expect(lockd.verbs).toBe("acquire update release");
  });

  it("case 33: a lost answer, then lease_required, and the version went up", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    lockd.lose("release", lostAnswer()).fail("release", leaseRequired);
    await advancing(clock, session.release(), 10);
    expect(session.released).toBe(true);
  });

  it("whose answers all get lost is told, and may be called again", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    lockd.lose("release", lostAnswer()).fail("release", lostAnswer(), lostReleaseRetries);
    const lost = failureOf(advancing(clock, session.release(), 10));
    expect(await lost).toMatchObject({ outcomeUnknown: true });
    expect(lockd.requests("release")).toHaveLength(1 + lostReleaseRetries);
    expect(session.released).toBe(false);
    lockd.fail("release", leaseRequired);
    await session.release();
    expect(session.released).toBe(true);
  });

  it("takes no longer than it was given, however often its answer gets lost", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    for (let n = 0; n <= lostReleaseRetries; n += 1) {
      lockd.next("release", async ({ call }) => {
        await new Promise<void>((resolve) =>
          clock.schedule(Math.min(400, Number(call.timeoutMs)), resolve),
        );
        throw lostAnswer();
      });
    }
    const startMs = clock.monotonicMs();
    const lost = failureOf(advancing(clock, session.release({ timeoutMs: 1_000 }), 10));
    expect(await lost).toMatchObject({ outcomeUnknown: true });
    expect(clock.monotonicMs() - startMs).toBeLessThanOrEqual(1_010);
    const given = lockd.calls.filter(({ verb }) => verb === "release").map(({ call }) => call);
    const [first = 0, second = 0, third = 0] = given.map(({ timeoutMs }) => Number(timeoutMs));
    expect(first).toBe(1_000);
    expect(second).toBeLessThanOrEqual(600);
    expect(third).toBeLessThan(second - 400);
  });

  it("looks up what became of it within the same time", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    lockd.lose("release", lostAnswer()).fail("release", leaseRequired);
    await advancing(clock, session.release({ timeoutMs: 1_000 }), 10);
    const look = lockd.calls.find(({ verb }) => verb === "describe")?.call.timeoutMs;
    expect(look).toBeGreaterThan(0);
    expect(look).toBeLessThan(1_000);
  });

  it("is not sent again when its caller has given up", async () => {
    const { client, lockd, clock } = sessionFixture();
    const session = await client.acquire(request);
    lockd.fail("release", lostAnswer(), 2);
    const given = new AbortController();
    const released = failureOf(session.release({ signal: given.signal }));
    await vi.waitFor(() => expect(lockd.requests("release")).toHaveLength(1));
    given.abort(new Error("enough"));
    expect(await released).toBeInstanceOf(Error);
    await clock.advance(1_000);
    expect(lockd.requests("release")).toHaveLength(1);
  });

  it("after a failure the session stays open", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    lockd.fail("release", passive);
    expect(await failureOf(session.release())).toBe(passive);
    await session.save(1);
    await session.release();
    expect(await client.load("orders/1")).toBe(1);
  });

  it("case 38: runs after an update that was called before it", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    lockd.next("update", async (_probed, through) => {
      await new Promise((resolve) => setImmediate(resolve));
      return await through();
    });
    await Promise.all([session.save(1), session.save(2), session.release()]);
    expect(lockd.verbs).toBe("acquire update update release");
    expect(await client.load("orders/1")).toBe(2);
  });

  it("prefers the endpoint of its lease and sends its correlation id", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    await session.release();
    expect(lockd.calls[1]?.call).toMatchObject({
      preferEndpoint: "fake://one",
      correlationId: session.correlationId,
    });
  });
});

describe("await using", () => {
  it("case 34: the error of the block surfaces together with a failing release", async () => {
    const { client, lockd } = sessionFixture();
    const boom = new Error("boom");
    const block = async () => {
      await using session = await client.acquire(request);
      await session.save(1);
      lockd.fail("release", passive);
      throw boom;
    };
    const error = (await failureOf(block())) as { error: unknown; suppressed: unknown };
    expect(error.suppressed).toBe(boom);
    expect(error.error).toBe(passive);
  });

  it("commits by default and rolls back when marked", async () => {
    const { client, lockd } = sessionFixture();
    {
      await using session = await client.acquire(request);
      await session.save(1);
    }
    {
      await using session = await client.acquire(request);
      session.rollbackOnDispose = true;
      await session.save(2);
    }
    expect(await client.load("orders/1")).toBe(1);
    expect(lockd.calls.find((call) => call.verb === "release")?.call.timeoutMs).toBe(5_000);
  });

  it("a lease obtained elsewhere is not given back", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    {
      await using view = client.attachSession(session);
      await view.save(1);
    }
    expect(lockd.verbs).toBe("acquire update");
    expect(await session.load()).toBe(1);
  });
});

describe("fused save and release", () => {
  it("takes one call where the server can", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    expect(await session.saveAndRelease({ n: 1 })).toMatchObject({ newVersion: 1 });
    expect(lockd.verbs).toBe("acquire update");
    expect(session.released).toBe(true);
    expect(await client.load("orders/1")).toEqual({ n: 1 });
  });

  it("releases by itself where the server cannot", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    lockd.next("update", async (_probed, _through) => ({
      newVersion: 1,
      newStateEtag: "e",
      bytes: 7,
      metadata: {},
      fencingToken: 1,
      released: false,
    }));
    await session.saveAndRelease({ n: 1 });
    expect(lockd.verbs).toBe("acquire update release");
    expect(session.released).toBe(true);
  });

  it("stays open after a conflict", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    const error = await failureOf(session.saveAndRelease(1, { ifVersion: 9 }));
    expect(error).toBeInstanceOf(ConflictError);
    await session.saveAndRelease(2);
    expect(await client.load("orders/1")).toBe(2);
  });

  it("can be repeated after a lost answer", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    lockd.lose("update", lostAnswer());
    expect(await failureOf(session.saveAndRelease(1))).toMatchObject({ outcomeUnknown: true });
    expect(await session.saveAndRelease(1)).toMatchObject({ newVersion: 1 });
    expect(await client.load("orders/1")).toBe(1);
  });
});
