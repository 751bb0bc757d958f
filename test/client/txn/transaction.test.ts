/** client.transaction over an engine in memory (client-sdk.md sections 12 and 18, 76 and 77). */
import { expect, test } from "vitest";
import { LeaseLostError, LockdTransportError } from "../../../src/api/errors.ts";
import type { ClientClock } from "../../../src/client/client-ports.ts";
import type { Transaction } from "../../../src/client/txn/txn-types.ts";
import type { LockdClient } from "../../../src/client/types.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { advancing, leaseExpired, lostAnswer, sessionFixture } from "../session-fixture.ts";
import { TxnProbe } from "./txn-probe.ts";

function fixture() {
  const given = sessionFixture();
  const probe = new TxnProbe(given.lockd);
  return { ...given, probe, read: (key: string) => given.client.loadOr(key, null) };
}

async function twoKeys(tx: Transaction): Promise<void> {
  const keys = await tx.acquireAll(["b", "a"]);
  for (const key of keys) await key.save({ by: key.key });
}

test("77: keys change together when the body returns, and not at all when it throws", async () => {
  const { client, read, probe } = fixture();
  const failed = client.transaction(async (tx) => {
    await twoKeys(tx);
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect([await read("a"), await read("b")]).toEqual([null, null]);
  expect(await client.transaction(async (tx) => twoKeys(tx).then(() => tx.txnId))).toBe(
    probe.decisions.at(-1)?.txnId,
  );
  expect([await read("a"), await read("b")]).toEqual([{ by: "a" }, { by: "b" }]);
  expect(probe.decisions.map(({ state }) => state)).toEqual(["rollback", "commit"]);
  for (const key of ["a", "b"]) expect((await client.describe(key)).leaseId).toBeUndefined();
});

test("keys are taken in one order, and answered in the order asked", async () => {
  const { client, lockd } = fixture();
  const names = await client.transaction(async (tx) => {
    const keys = await tx.acquireAll(["c", { key: "A", namespace: "zoo" }, "b", "B", "a"]);
    return keys.map(({ key }) => key);
  });
  expect(names.map((name) => name.toLowerCase())).toEqual(["c", "a", "b", "b", "a"]);
  const asked = lockd.requests("acquire").map(({ namespace, key }) => `${namespace}/${key}`);
  expect(asked.map((name) => name.toLowerCase())).toEqual([
    "default/a",
    "default/b",
    "default/c",
    "zoo/a",
  ]);
});

test("what changed nothing is given back without a decision", async () => {
  const { client, lockd, probe } = fixture();
  const value = await client.transaction(async (tx) => {
    const [a] = await tx.acquireAll(["a", "b"]);
    return await a?.loadOr("none");
  });
  expect(value).toBe("none");
  expect(probe.decisions).toEqual([]);
  expect(lockd.requests("release")).toHaveLength(2);
  expect((await client.describe("a")).leaseId).toBeUndefined();
});

test("the same key again is the key already held", async () => {
  const { client } = fixture();
  await client.transaction(async (tx) => {
    expect(await tx.acquire("a")).toBe(await tx.acquire({ key: " A " }));
  });
});

test("all or none: a key that is held by others gives the others back", async () => {
  const { client, clock } = fixture();
  const held = await client.acquire({ key: "b", owner: "other", ttlMs: 600_000 });
  const running = client.transaction(
    async (tx) => {
      await expect(tx.acquireAll(["a", "b", "c"])).rejects.toMatchObject({
        code: "acquire_timeout",
      });
      expect((await client.describe("a")).leaseId).toBeUndefined();
      return await tx.acquire("a");
    },
    { waitMs: 2_000 },
  );
  expect((await advancing(clock, running)).key).toBe("a");
  await held.release();
});

test("the keys cannot be ended by themselves", async () => {
  const { client, read } = fixture();
  await client.transaction(async (tx) => {
    const key = await tx.acquire("a");
    await key.save(1);
    const loose = key as unknown as Record<"release" | "close", () => Promise<void>>;
    await expect(loose.release()).rejects.toThrow("key of a transaction");
    await loose.close();
    await key.save(2);
  });
  expect(await read("a")).toBe(2);
});

test("a change nobody waited for is committed all the same", async () => {
  const { client, read } = fixture();
  await client.transaction(async (tx) => {
    const key = await tx.acquire("a");
    key.save({ n: 1 }).catch(() => {});
  });
  expect(await read("a")).toEqual({ n: 1 });
});

test("76: a commit whose answer is lost is decided again, and once only", async () => {
  const { client, read, clock, probe } = fixture();
  probe.lose(lostAnswer(), 3);
  await advancing(clock, client.transaction(twoKeys), 10);
  expect(probe.decisions.map(({ state }) => state)).toEqual(Array(4).fill("commit"));
  expect(await read("a")).toEqual({ by: "a" });
  expect((await client.describe("a")).version).toBe(1);
});

test("a commit nobody can be asked about is told as unknown and not run again", async () => {
  const { client, clock, probe } = fixture();
  probe.lose(lostAnswer(), 10_000);
  let runs = 0;
  const running = client.transaction(
    async (tx) => {
      runs += 1;
      await twoKeys(tx);
    },
    { retries: 3 },
  );
  const error = await advancing(clock, running).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LockdTransportError);
  expect(error).toMatchObject({ outcomeUnknown: true, message: expect.stringMatching("replay") });
  expect(runs).toBe(1);
  const [first] = probe.decisions;
  expect(await client.txn.replay(first?.txnId ?? "")).toMatchObject({ state: "commit" });
});

test("a transaction decided by others cannot commit, and says so", async () => {
  const { client, read } = fixture();
  const running = client.transaction(async (tx) => {
    await twoKeys(tx);
    await client.txn.rollback({ txnId: tx.txnId });
  });
  await expect(running).rejects.toMatchObject({ code: "txn_conflict" });
  expect(await read("a")).toBeNull();
});

test("a lost lease aborts the signal, and nothing is committed", async () => {
  const { client, lockd, clock, read } = fixture();
  lockd.fail("keepAlive", leaseExpired);
  const running = client.transaction(
    async (tx) => {
      await twoKeys(tx);
      await new Promise<void>((resolve) => {
        tx.signal.addEventListener("abort", () => resolve());
      });
    },
    { ttlMs: 4_000 },
  );
  await expect(advancing(clock, running)).rejects.toBeInstanceOf(LeaseLostError);
  expect([await read("a"), await read("b")]).toEqual([null, null]);
});

test("keys are kept alive for as long as the body runs", async () => {
  const { client, clock, read } = fixture();
  const running = client.transaction(
    async (tx) => {
      await twoKeys(tx);
      await clock.advance(60_000);
    },
    { ttlMs: 4_000 },
  );
  await advancing(clock, running);
  expect(await read("b")).toEqual({ by: "b" });
});

test("after a pause longer than the leases nothing is committed without asking", async () => {
  const late: { clock?: ManualClock } = {};
  const standing: ClientClock = {
    wallMs: () => late.clock?.wallMs() ?? 0,
    monotonicMs: () => late.clock?.monotonicMs() ?? 0,
    schedule: () => ({ cancel: () => {} }),
  };
  const { client, clock } = sessionFixture({ clock: standing });
  late.clock = clock;
  const other = { owner: "other", ttlMs: 30_000 };
  const running = client.transaction(
    async (tx) => {
      // As if the process had stood still: no keepalive ran, and somebody else was faster.
      await tx.acquire("b");
      await (await tx.acquire("a")).save(1);
      await clock.advance(20_000);
      await (await client.acquire({ ...other, key: "b" })).release();
    },
    { ttlMs: 4_000 },
  );
  await expect(advancing(clock, running)).rejects.toBeInstanceOf(LeaseLostError);
  expect(await client.loadOr("a", null)).toBeNull();
});

test("the time of the whole ends the body, and everything is free at once", async () => {
  const { client, clock, read } = fixture();
  const running = client.transaction(
    async (tx) => {
      await twoKeys(tx);
      await new Promise(() => {});
    },
    { timeoutMs: 5_000 },
  );
  await expect(advancing(clock, running)).rejects.toMatchObject({ code: "timeout" });
  expect(await read("a")).toBeNull();
  expect((await client.describe("a")).leaseId).toBeUndefined();
});

test("a key granted after the end is given back", async () => {
  const { client, lockd, clock } = fixture();
  let letGo = (): void => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  lockd.next("acquire", async (_probed, through) => {
    await held;
    return await through();
  });
  const abort = new AbortController();
  const running = client.transaction(async (tx) => tx.acquire("late"), abort.signal);
  await clock.advance(10);
  abort.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  letGo();
  await clock.advance(10);
  expect((await client.describe("late").catch(() => undefined))?.leaseId).toBeUndefined();
});

test("the body runs again only when asked, under a new id, after what passes", async () => {
  const { client, lockd, clock } = fixture();
  const ids: string[] = [];
  const body = async (tx: Transaction): Promise<void> => {
    ids.push(tx.txnId);
    await twoKeys(tx);
  };
  lockd.fail("update", leaseExpired, 2);
  await expect(client.transaction(body)).rejects.toBeInstanceOf(LeaseLostError);
  await advancing(clock, client.transaction(body, { retries: 1 }));
  expect(new Set(ids).size).toBe(3);
  const own = client.transaction(
    async (tx) => {
      ids.push(tx.txnId);
      throw new Error("mine");
    },
    { retries: 5 },
  );
  await expect(own).rejects.toThrow("mine");
  expect(ids).toHaveLength(4);
});

/** The next dequeue takes its message, and its answer is lost. */
function losingOneDequeue(lockd: ReturnType<typeof fixture>["lockd"]): void {
  const { queues } = lockd;
  let losses = 1;
  const losing = new Proxy(queues, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return async (...call: unknown[]) => {
        const answer: unknown = await Reflect.apply(member, target, call);
        if (name !== "dequeue" || losses === 0) return answer;
        losses -= 1;
        throw lostAnswer();
      };
    },
  });
  Object.defineProperty(lockd, "queues", { value: losing });
}

test("a message whose delivery was lost on its way is not acknowledged unseen", async () => {
  const { client, lockd, read } = fixture();
  losingOneDequeue(lockd);
  await client.enqueue("work", "first");
  await client.enqueue("work", "second");
  const seen: (string | undefined)[] = [];
  const work = async (tx: Transaction): Promise<void> => {
    const again = (): ReturnType<Transaction["dequeue"]> => tx.dequeue("work", { waitMs: "none" });
    // A body that tries once more by itself, as bodies do.
    const message = await again().catch(() => (tx.signal.aborted ? null : again()));
    seen.push(await message?.payload.text());
    await (await tx.acquire("total")).save({ n: seen.length }).catch(() => undefined);
  };
  await expect(client.transaction(work)).rejects.toMatchObject({ code: "txn_conflict" });
  expect(await read("total")).toBeNull();
  const left: (string | undefined)[] = [];
  for (let at = 0; at < 2; at += 1) {
    const message = await client.dequeue("work", { owner: "w", waitMs: "none" });
    left.push(await message?.payload.text());
  }
  expect(left.sort()).toEqual(["first", "second"]);
});

test("a run whose delivery was lost may be run again", async () => {
  const { client, clock, lockd, read } = fixture();
  losingOneDequeue(lockd);
  await client.enqueue("work", "only");
  const running = client.transaction(
    async (tx) => {
      const message = await tx.dequeue("work", { waitMs: "none" }).catch(() => null);
      await (await tx.acquire("total")).save({ text: await message?.payload.text() });
    },
    { retries: 1 },
  );
  await advancing(clock, running);
  expect(await read("total")).toEqual({ text: "only" });
});

/** Texts of everything that is ready in a queue; each is acknowledged. */
async function drained(client: LockdClient, queue: string): Promise<readonly string[]> {
  const texts: string[] = [];
  for (;;) {
    const message = await client.dequeue(queue, { owner: "w", waitMs: "none" });
    if (message === null) return texts;
    texts.push(await message.payload.text());
    await message.ack();
  }
}

test("a body that only sends stays open for as long as it takes, and not longer", async () => {
  const { client, clock, probe } = fixture();
  const work = client.transaction(async (tx) => {
    await tx.enqueue("out", "slow");
    await new Promise<void>((resolve) => clock.schedule(300_000, resolve));
  });
  await advancing(clock, work, 5_000);
  expect(await drained(client, "out")).toEqual(["slow"]);
  const asked = probe.decisions.length;
  expect(probe.decisions.at(-1)?.state).toBe("commit");
  await clock.advance(120_000);
  expect(probe.decisions.length).toBe(asked);
});

test("a sender that asks for a long time renews within the time the server gave", async () => {
  const { client, clock, lockd, probe } = fixture();
  const after = (ms: number) => new Promise<void>((resolve) => clock.schedule(ms, resolve));
  const work = client.transaction(
    async (tx) => {
      await tx.enqueue("out", "slow");
      await after(40_000);
      // What the sweeper does with whatever is past its deadline.
      const { state } = await lockd.transactions.replay({ txnId: tx.txnId });
      expect(state).toBe("pending");
      await after(60_000);
    },
    { ttlMs: 120_000 },
  );
  const startMs = clock.wallMs();
  await advancing(clock, work, 5_000);
  expect(await drained(client, "out")).toEqual(["slow"]);
  const [first] = probe.decisions;
  expect(first?.state).toBe("pending");
  expect(Number(first?.expiresAtUnix)).toBeGreaterThanOrEqual((startMs + 120_000) / 1_000);
});

test("a sender whose transaction was rolled back elsewhere is told while it works", async () => {
  const { client, clock, lockd } = fixture();
  const startMs = clock.wallMs();
  const work = client.transaction(async (tx) => {
    await tx.enqueue("out", "slow");
    await lockd.transactions.decide({ txnId: tx.txnId, state: "rollback" });
    await new Promise((resolve) => tx.signal.addEventListener("abort", resolve));
    tx.signal.throwIfAborted();
  });
  await expect(advancing(clock, work, 5_000)).rejects.toMatchObject({ code: "txn_conflict" });
  expect(clock.wallMs() - startMs).toBeLessThan(60_000);
});

test("an enqueue that nobody waited for is committed with the others", async () => {
  const { client } = fixture();
  const unwatched: Promise<unknown>[] = [];
  await client.transaction(async (tx) => {
    await tx.enqueue("out", "first");
    for (const text of ["second", "third"]) unwatched.push(tx.enqueue("out", text));
  });
  await Promise.all(unwatched);
  expect(await drained(client, "out")).toEqual(["first", "second", "third"]);
});

test("a dequeue that nobody waited for is not acknowledged unseen", async () => {
  const { client } = fixture();
  await client.enqueue("in", "x");
  const unwatched: Promise<unknown>[] = [];
  const work = client.transaction(async (tx) => {
    await tx.enqueue("out", "made of nothing");
    unwatched.push(tx.dequeue("in").catch(() => null));
  });
  await expect(work).rejects.toMatchObject({ code: "txn_conflict" });
  await Promise.all(unwatched);
  expect(await drained(client, "out")).toEqual([]);
});
