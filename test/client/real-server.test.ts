import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LeaseLostError, ServerDrainingError } from "../../src/api/errors.ts";
import { createClient } from "../../src/client/client.ts";
import type { LockdClient } from "../../src/client/types.ts";
import { type RealServer, startRealServer } from "../support/real-server.ts";
import { failureOf } from "./http-fixture.ts";

const request = { key: "orders/1", owner: "w1", ttlMs: 30_000 };

let server: RealServer;
let client: LockdClient;

beforeEach(async () => {
  server = await startRealServer({ drainGraceMs: 3_000 });
  client = createClient({ endpoints: server.url, closeTimeoutMs: 200 });
});

afterEach(async () => {
  await client.close({ releaseSessions: true });
  await server.stop();
});

describe("client and server", () => {
  it("acquire, change, release, read", async () => {
    const session = await client.acquire(request);
    expect(session).toMatchObject({ endpoint: server.url, fencingToken: 1, version: 0 });
    await session.save({ n: 1 });
    await session.save({ n: 2 });
    await session.updateMetadata({ queryHidden: true });
    expect(await client.getBytes("orders/1")).toBeNull();
    await session.release();
    expect(await client.load("orders/1")).toEqual({ n: 2 });
    expect(await client.describe("orders/1")).toMatchObject({ version: 1, queryHidden: true });
  });

  it("acquireForUpdate takes two calls with the extras", async () => {
    for (let n = 1; n <= 3; n += 1) {
      await client.acquireForUpdate(request, async (context) => {
        const before = context.state.exists ? await context.state.json<number>() : 0;
        await context.saveAndRelease(before + 1);
      });
    }
    expect(await client.load("orders/1")).toBe(3);
  });

  it("counts right under contention", async () => {
    const one = async () =>
      await client.acquireForUpdate({ ...request, key: "counter" }, async (context) => {
        const before = context.state.exists ? await context.state.json<number>() : 0;
        await context.save(before + 1);
      });
    await Promise.all(Array.from({ length: 40 }, one));
    expect(await client.load("counter")).toBe(40);
    const { raw: _raw, ...described } = await client.describe("counter");
    expect(described.version).toBe(40);
  });

  it("streams a long state both ways", async () => {
    const parts = 64;
    const part = Buffer.alloc(64 * 1024, 0x61);
    const whole = createHash("sha256").update('"');
    for (let i = 0; i < parts; i += 1) whole.update(part);
    const expected = whole.update('"').digest("hex");
    const session = await client.acquire(request);
    const source = (async function* () {
      yield Buffer.from('"');
      for (let i = 0; i < parts; i += 1) yield part;
      yield Buffer.from('"');
    })();
    const result = await session.updateStream(source);
    expect(result).toMatchObject({ bytes: parts * part.byteLength + 2, newStateEtag: expected });
    const snapshot = await session.get();
    expect(snapshot.size).toBe(result.bytes);
    const read = createHash("sha256");
    for await (const chunk of snapshot.stream()) read.update(chunk);
    expect(read.digest("hex")).toBe(expected);
    await session.release();
  });

  it("a waiter is served in time, an aborted one vanishes", async () => {
    const held = await client.acquire(request);
    const abort = new AbortController();
    const gone = failureOf(client.acquire(request, abort.signal));
    const next = client.acquire(request);
    abort.abort("stop");
    expect(await gone).toBe("stop");
    await held.release();
    expect((await next).fencingToken).toBe(2);
  });

  it("case 32: the lease ran out with staged changes", async () => {
    const session = await client.acquire({ ...request, ttlMs: 1_000 });
    await session.save(1);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const error = await failureOf(session.release());
    expect(error).toBeInstanceOf(LeaseLostError);
    expect(error).toMatchObject({ staged: true });
  });

  it("a draining server gets its leases back with the next answer", async () => {
    const session = await client.acquire(request);
    await session.save("kept");
    const stopping = server.server.stop();
    const error = await failureOf(
      createClient({ endpoints: server.url }).acquire({ ...request, waitMs: "none" }),
    );
    expect(error).toMatchObject({ code: "shutdown_draining" });
    await session.keepAlive();
    expect(session.signal.reason).toBeInstanceOf(ServerDrainingError);
    await stopping;
    expect(session.released).toBe(true);
  });
});
