/**
 * What the library makes of answers that got lost on their way back from a real server
 * (transactions-and-islands.md section 17; docs/guarantees.md): done once, found again at once.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import type { LockdClient } from "../../src/client/types.ts";
import { AnswerCutter } from "../support/answer-cutter.ts";
import { type RealServer, startRealServer } from "../support/real-server.ts";

const request = { key: "orders/1", owner: "w1", ttlMs: 60_000, waitMs: 5_000 };

let server: RealServer;
let way: AnswerCutter;
let client: LockdClient;
beforeEach(async () => {
  server = await startRealServer({});
  way = await AnswerCutter.before(server.url);
  client = createClient({ endpoints: way.url, closeTimeoutMs: 200 });
});
afterEach(async () => {
  await client.close({ releaseSessions: true });
  await way.close();
  await server.stop();
});

describe("an answer that got lost", () => {
  test("of an acquire: the same lease, long before its time is over", async () => {
    way.loseNext();
    const from = performance.now();
    const session = await client.acquire(request);
    expect(way.cut).toBe(1);
    // One grant, not one that waited for the lease of the other to run out.
    expect(session.fencingToken).toBe(1);
    expect(performance.now() - from).toBeLessThan(5_000);
    await session.save({ n: 1 });
    await session.release();
    expect(await client.load(request.key)).toEqual({ n: 1 });
  });

  test("of an acquire, three times over: still the same lease", async () => {
    way.loseNext(3);
    const session = await client.acquire(request);
    expect([way.cut, session.fencingToken]).toEqual([3, 1]);
  });

  test("of a release: released once, and the next holder's lease is left alone", async () => {
    const session = await client.acquire(request);
    await session.save({ n: 1 });
    way.loseNext();
    await session.release();
    expect(way.cut).toBe(1);
    const next = await client.acquire({ ...request, waitMs: "none" });
    expect([next.fencingToken, next.version]).toEqual([2, 1]);
  });

  test("of an enqueue: one message", async () => {
    // The first loss of all makes the library ask whether this server knows dedupe keys.
    for (let round = 1; round <= 3; round += 1) {
      way.loseNext();
      await client.enqueue("q", `payload ${round}`);
    }
    expect(way.cut).toBe(3);
    const payloads: string[] = [];
    for (;;) {
      const message = await client.dequeue("q", { owner: "w", waitMs: "none" });
      if (message === null) break;
      payloads.push(await message.payload.text());
      await message.ack();
    }
    expect(payloads).toEqual(["payload 1", "payload 2", "payload 3"]);
  });
});
