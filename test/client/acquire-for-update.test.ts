import { describe, expect, it } from "vitest";
import {
  AlreadyExistsError,
  apiErrorOf,
  LeaseLostError,
  LockdTransportError,
} from "../../src/api/errors.ts";
import { lostReleaseRetries } from "../../src/client/limits.ts";
import { failureOf } from "./http-fixture.ts";
import {
  advancing,
  leaseExpired,
  leaseRequired,
  lostAnswer,
  passive,
  request,
  sessionFixture,
} from "./session-fixture.ts";

const unavailable = apiErrorOf("store_unavailable", "later", { status: 503 });

describe("acquireForUpdate", () => {
  it("case 39: hands out an absent state, commits, and gives the handler's value", async () => {
    const { client, lockd } = sessionFixture();
    const value = await client.acquireForUpdate(request, async (context) => {
      expect(context.state.exists).toBe(false);
      expect(context.attempt).toBe(1);
      await context.save({ n: 1 });
      return "value";
    });
    expect(value).toBe("value");
    // The state came with the lease: no separate read.
    expect(lockd.verbs).toBe("acquire update release");
    expect(await client.load("orders/1")).toEqual({ n: 1 });
  });

  it("reads separately when the server did not send the state along", async () => {
    const { client, lockd } = sessionFixture();
    lockd.next("acquire", async (_probed, through) => ({
      ...((await through()) as object),
      state: undefined,
    }));
    await client.acquireForUpdate(request, async (context) => {
      expect(context.state.exists).toBe(false);
    });
    expect(lockd.verbs).toBe("acquire get release");
  });

  it("takes two calls when the handler ends with saveAndRelease", async () => {
    const { client, lockd } = sessionFixture();
    await client.acquireForUpdate(request, async (context) => {
      const { n } = context.state.exists ? await context.state.json<{ n: number }>() : { n: 0 };
      await context.saveAndRelease({ n: n + 1 });
    });
    expect(lockd.verbs).toBe("acquire update");
    expect(await client.load("orders/1")).toEqual({ n: 1 });
  });

  it("case 40: a throwing handler rolls back and its own error comes out", async () => {
    const { client } = sessionFixture();
    const boom = new Error("boom");
    const error = await failureOf(
      client.acquireForUpdate(request, async (context) => {
        await context.save(1);
        throw boom;
      }),
    );
    expect(error).toBe(boom);
    expect(await client.getBytes("orders/1")).toBeNull();
    expect((await client.describe("orders/1")).leaseId).toBeUndefined();
  });

  it("case 41: keeps the lease for a long handler", async () => {
    const { client, lockd, clock } = sessionFixture();
    const update = client.acquireForUpdate({ ...request, ttlMs: 4_000 }, async (context) => {
      await clock.advance(12_000);
      const other = await failureOf(client.acquire({ ...request, waitMs: "none" }));
      expect(other).toMatchObject({ code: "waiting" });
      await context.save("done");
    });
    await update;
    expect(lockd.requests("keepAlive")).toHaveLength(6);
    expect(await client.load("orders/1")).toBe("done");
  });

  it("case 42: an expired lease aborts the handler, which runs once more", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.fail("keepAlive", leaseExpired);
    const attempts: number[] = [];
    const update = client.acquireForUpdate({ ...request, ttlMs: 4_000 }, async (context) => {
      attempts.push(context.attempt);
      if (context.attempt > 1) return "second";
      return await new Promise<string>((_resolve, reject) => {
        context.signal.addEventListener("abort", () => reject(context.signal.reason));
      });
    });
    expect(await advancing(clock, update)).toBe("second");
    expect(attempts).toEqual([1, 2]);
  });

  it("case 42: without reruns the lost lease comes out", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.fail("keepAlive", leaseExpired);
    const update = client.acquireForUpdate(
      { ...request, ttlMs: 4_000 },
      async (context) => {
        await context.save(1);
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      },
      { retryHandler: false },
    );
    const error = await failureOf(advancing(clock, update));
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(error).toMatchObject({ staged: true });
    expect(await client.getBytes("orders/1")).toBeNull();
  });

  it("case 43: a passive node gets the release again, the handler runs once", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.fail("release", passive, 2);
    let runs = 0;
    const update = client.acquireForUpdate(request, async (context) => {
      runs += 1;
      await context.save(1);
    });
    await advancing(clock, update);
    expect(runs).toBe(1);
    expect(lockd.requests("release")).toHaveLength(3);
    expect(await client.load("orders/1")).toBe(1);
  });

  it("case 43: R repeats and no more, then the passive node comes out", async () => {
    const { client, lockd, clock } = sessionFixture({ failureRetries: 2 });
    lockd.fail("release", passive, 3);
    const update = client.acquireForUpdate(request, async (context) => context.save(1));
    expect(await failureOf(advancing(clock, update))).toBe(passive);
    expect(lockd.requests("release").map(({ rollback }) => rollback)).toEqual([
      undefined,
      undefined,
      undefined,
      true,
    ]);
  });

  it("case 44: a failing first read acquires anew, at most R times", async () => {
    const { client, lockd, clock } = sessionFixture({ failureRetries: 2 });
    for (let i = 0; i < 3; i += 1) {
      lockd.next("acquire", async (_probed, through) => ({
        ...((await through()) as object),
        state: undefined,
      }));
    }
    lockd.fail("get", unavailable, 3);
    const update = client.acquireForUpdate(request, async () => {});
    expect(await failureOf(advancing(clock, update))).toBe(unavailable);
    expect(lockd.verbs).toBe("acquire get release acquire get release acquire get release");
  });

  it("case 45: an abort in the handler rolls back, rejects with the reason, no rerun", async () => {
    const { client, lockd } = sessionFixture();
    const abort = new AbortController();
    let runs = 0;
    const update = client.acquireForUpdate(
      request,
      async (context) => {
        runs += 1;
        await context.save(1);
        abort.abort("stop");
        context.signal.throwIfAborted();
      },
      abort.signal,
    );
    expect(await failureOf(update)).toBe("stop");
    expect(runs).toBe(1);
    expect(lockd.requests("release")).toMatchObject([{ rollback: true }]);
    expect(await client.getBytes("orders/1")).toBeNull();
  });

  it("case 46: without a handler it is a session with a readable state", async () => {
    const { client, clock } = sessionFixture();
    await client.acquireForUpdate(request, async (context) => context.save({ n: 1 }));
    {
      await using session = await client.acquireForUpdate({ ...request, ttlMs: 4_000 });
      const state = await session.state.json<{ n: number }>();
      await clock.advance(9_000);
      await session.save({ n: state.n + 1 });
    }
    expect(await client.load("orders/1")).toEqual({ n: 2 });
    expect(clock.scheduled).toBe(0);
  });

  it("reruns after a passing error of a call on the context, not of the handler", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.fail("update", unavailable);
    const attempts: number[] = [];
    const update = client.acquireForUpdate(request, async (context) => {
      attempts.push(context.attempt);
      await context.save(context.attempt);
    });
    await advancing(clock, update);
    expect(attempts).toEqual([1, 2]);
    const own = apiErrorOf("store_unavailable", "my own", { status: 503 });
    const thrown = client.acquireForUpdate(request, async () => {
      throw own;
    });
    expect(await failureOf(advancing(clock, thrown))).toBe(own);
  });

  it("does not run the handler again when a lost answer turns out to be a commit", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.lose("release", lostAnswer());
    let runs = 0;
    const update = client.acquireForUpdate(request, async (context) => {
      runs += 1;
      const n = context.state.exists ? await context.state.json<number>() : 0;
      await context.save(n + 1);
    });
    await advancing(clock, update);
    expect(runs).toBe(1);
    expect(await client.load("orders/1")).toBe(1);
  });

  it("gives the lease back and runs again when the commit was certainly not made", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.fail("release", lostAnswer(), 1 + lostReleaseRetries);
    let runs = 0;
    const update = client.acquireForUpdate(request, async (context) => {
      runs += 1;
      await context.save(runs);
    });
    await advancing(clock, update);
    expect(runs).toBe(2);
    expect(await client.load("orders/1")).toBe(2);
  });

  it("never runs the handler again after a fused commit of unknown outcome", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.lose("update", lostAnswer());
    let runs = 0;
    const update = client.acquireForUpdate(request, async (context) => {
      runs += 1;
      await context.saveAndRelease(runs);
    });
    const error = await failureOf(advancing(clock, update));
    expect(error).toBeInstanceOf(LockdTransportError);
    expect(error).toMatchObject({ outcomeUnknown: true });
    expect(runs).toBe(1);
  });

  it("reruns when the release finds the lease gone with staged work", async () => {
    const { client, lockd, clock } = sessionFixture();
    lockd.next("release", async (probed, _through) => {
      await lockd.release({ ...probed.request, rollback: true });
      throw leaseRequired;
    });
    const attempts: number[] = [];
    const update = client.acquireForUpdate(request, async (context) => {
      attempts.push(context.attempt);
      await context.save(context.attempt);
    });
    await advancing(clock, update);
    expect(attempts).toEqual([1, 2]);
    expect(await client.load("orders/1")).toBe(2);
  });

  it("the caller's limit ends the handler too", async () => {
    const { client, clock } = sessionFixture();
    const update = client.acquireForUpdate(
      request,
      (context) =>
        new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => reject(context.signal.reason));
        }),
      { timeoutMs: 3_000 },
    );
    expect(await failureOf(advancing(clock, update))).toMatchObject({ code: "timeout" });
    expect((await client.describe("orders/1")).leaseId).toBeUndefined();
  });

  it("already_exists and 403 are final", async () => {
    const { client, lockd } = sessionFixture();
    await client.acquireForUpdate(request, async () => {});
    const again = client.acquireForUpdate({ ...request, ifNotExists: true }, async () => {});
    expect(await failureOf(again)).toBeInstanceOf(AlreadyExistsError);
    const forbidden = apiErrorOf("namespace_forbidden", "no", { status: 403 });
    lockd.fail("acquire", forbidden);
    expect(await failureOf(client.acquireForUpdate(request, async () => {}))).toBe(forbidden);
  });
});
