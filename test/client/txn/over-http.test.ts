/** client.transaction against a real server: many clients, messages, lost answers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LockdApiError } from "../../../src/api/errors.ts";
import { createClient } from "../../../src/client/client.ts";
import type { LockdClient } from "../../../src/client/types.ts";
import { type RealServer, startRealServer } from "../../support/real-server.ts";
import { cut, failed, ok, ScriptedServer } from "../../support/scripted-server.ts";

let server: RealServer;
let client: LockdClient;
beforeAll(async () => {
  server = await startRealServer({});
  client = createClient({ endpoints: server.url });
});
afterAll(async () => {
  await client.close();
  await server.stop();
});

test("many clients take the same keys in any order: none waits, no count is lost", async () => {
  const keys = ["many/a", "many/b", "many/c", "many/d"];
  const lanes = 12;
  const rounds = 5;
  const expected = new Map(keys.map((key) => [key, 0]));
  const random = lehmer(7);
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let round = 0; round < rounds; round += 1) {
        const some = keys.filter(() => random() < 0.6);
        const shuffled = some.sort(() => random() - 0.5);
        for (const key of shuffled) expected.set(key, (expected.get(key) ?? 0) + 1);
        await client.transaction(
          async (tx) => {
            for (const held of await tx.acquireAll(shuffled)) {
              const { n } = await held.loadOr({ n: 0 });
              await held.save({ n: n + 1 });
            }
          },
          { waitMs: "forever" },
        );
      }
    }),
  );
  for (const [key, n] of expected) expect(await client.load(key)).toEqual({ n });
  expect((await client.txn.list()).transactions).toEqual([]);
}, 60_000);

test("keys taken in opposite orders: the wait ends, and a retry gets through", async () => {
  const runs = { count: 0 };
  const move = (first: string, second: string) =>
    client.transaction(
      async (tx) => {
        runs.count += 1;
        await tx.acquire(first);
        const other = await tx.acquire(second);
        await other.mutate("/n++");
      },
      { waitMs: 1_000, retries: 20 },
    );
  await Promise.all([move("x/a", "x/b"), move("x/b", "x/a"), move("x/a", "x/b")]);
  expect(runs.count).toBeGreaterThanOrEqual(3);
  const [a, b] = await Promise.all(["x/a", "x/b"].map((key) => client.loadOr(key, { n: 0 })));
  expect((a?.n ?? 0) + (b?.n ?? 0)).toBe(3);
}, 60_000);

describe("messages", () => {
  test("a commit acknowledges, and what came of it is there", async () => {
    await client.enqueue("work", "5");
    await client.transaction(async (tx) => {
      const message = await tx.dequeue("work", { waitMs: "none" });
      const n = Number(await message?.payload.text());
      await (await tx.acquire("work/total")).save({ n });
    });
    expect(await client.load("work/total")).toEqual({ n: 5 });
    expect(await client.dequeue("work", { owner: "w", waitMs: "none" })).toBeNull();
  });

  test("a throw gives the message back at once, and changes nothing", async () => {
    await client.enqueue("again", "1");
    const failing = client.transaction(async (tx) => {
      expect(await tx.dequeue("again", { waitMs: "none" })).not.toBeNull();
      await (await tx.acquire("again/total")).save({ n: 1 });
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await client.loadOr("again/total", null)).toBeNull();
    const back = await client.dequeue("again", { owner: "w", waitMs: 5_000 });
    expect(back?.attempts).toBe(2);
    await back?.ack();
  });

  test("a message's workflow state shares the fate", async () => {
    await client.enqueue("steps", "x");
    const step = async (fail: boolean): Promise<unknown> =>
      await client.transaction(async (tx) => {
        const message = await tx.dequeueWithState("steps", { waitMs: 5_000 });
        const before = await message?.state.loadOr(null);
        await message?.state.save({ step: 1 });
        if (fail) throw new Error("no");
        return before;
      });
    await expect(step(true)).rejects.toThrow("no");
    expect(await step(false)).toBeNull();
    expect(await client.dequeue("steps", { owner: "w", waitMs: "none" })).toBeNull();
  });

  test("a message that is refused as part of a transaction is not sent without it", async () => {
    const sending = client.transaction(async (tx) => {
      await tx.enqueue("later", "x");
      throw new Error("no");
    });
    await expect(sending).rejects.toThrow();
    expect(await client.dequeue("later", { owner: "w", waitMs: "none" })).toBeNull();
  });
});

describe("the wire", () => {
  const lease = (key: string) => ({
    ...{ namespace: "default", key, owner: "w", lease_id: "d3kq0ls2v1g0005fn5g0" },
    ...{ txn_id: "d3kq0ls2v1g0005fn5gg", expires_at_unix: 4_000_000_000, fencing_token: 1 },
  });

  test("76: a commit whose connection is cut is decided again; one proof an acquire", async () => {
    const update = { new_version: 1, new_state_etag: "e", bytes: 1, metadata: {} };
    const script = [
      cut,
      ok(lease("a"), { "x-idempotent-replay": "true" }),
      ok(update),
      cut,
      ok({ txn_id: "d3kq0ls2v1g0005fn5gg", state: "commit" }),
    ];
    const fake = await ScriptedServer.start(script);
    const own = createClient({ endpoints: fake.url });
    const backoff = { baseMs: 1, jitterMs: 0 };
    await own.transaction(async (tx) => {
      await (await tx.acquire({ key: "a", backoff })).save(1);
    });
    const [first, second, , decided, again] = fake.requests;
    expect(first?.headers["x-idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(second?.headers["x-idempotency-key"]).toBe(first?.headers["x-idempotency-key"]);
    expect(again?.path).toBe("/v1/txn/decide");
    expect(again?.body.equals(decided?.body ?? Buffer.alloc(0))).toBe(true);
    const sent = JSON.parse(again?.body.toString() ?? "") as object;
    expect(sent).toMatchObject({
      state: "commit",
      participants: [{ namespace: "default", key: "a" }],
    });
    await own.close();
    await fake.close();
  });

  test("calls by id say what the contract says; the opposite decision is a 409", async () => {
    const txn = "d3kq0ls2v1g0005fn5gg";
    const answer = ok({ txn_id: txn, state: "commit", future: 1 });
    const script = [answer, answer, answer, failed(409, "txn_conflict")];
    const fake = await ScriptedServer.start(script);
    const own = createClient({ endpoints: fake.url });
    const participants = [{ namespace: "n", key: "k", backendHash: "h" }];
    const expiresAt = new Date(1_500);
    await own.txn.commit({ txnId: txn, participants, expiresAt, tcTerm: 3 });
    await own.txn.applyCommit({ txnId: txn, targetBackendHash: "h" });
    expect(await own.txn.replay(txn)).toEqual({ txnId: txn, state: "commit" });
    const refused = own.txn.rollback({ txnId: txn });
    await expect(refused).rejects.toBeInstanceOf(LockdApiError);
    expect(fake.requests.map(({ path }) => path)).toEqual([
      "/v1/txn/decide",
      "/v1/txn/commit",
      "/v1/txn/replay",
      "/v1/txn/decide",
    ]);
    expect(JSON.parse(fake.requests[0]?.body.toString() ?? "")).toEqual({
      txn_id: txn,
      participants: [{ namespace: "n", key: "k", backend_hash: "h" }],
      expires_at_unix: 2,
      tc_term: 3,
      state: "commit",
    });
    expect(JSON.parse(fake.requests[1]?.body.toString() ?? "")).toEqual({
      txn_id: txn,
      target_backend_hash: "h",
    });
    await expect(own.txn.replay(" ")).rejects.toMatchObject({ code: "missing_txn_id" });
    await own.close();
    await fake.close();
  });
});

/** A small generator of numbers in [0, 1), the same in every run. */
function lehmer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
