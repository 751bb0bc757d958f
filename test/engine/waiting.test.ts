/** Callers that wait: order, wake-ups, and those who go away. */
import { describe, expect, test } from "vitest";
import type { AcquireResult } from "../../src/api/lockd.ts";
import { settled } from "../support/manual-clock.ts";
import { ScriptedStore } from "../support/scripted-store.ts";
import { type TestEngine, testEngine } from "../support/test-engine.ts";

const forever = { key: "k", owner: "w", blockSeconds: 0, ttlSeconds: 30 };
const noWait = { key: "k", owner: "w", blockSeconds: -1, ttlSeconds: 30 };

function addressOf(lease: AcquireResult) {
  const { key, leaseId, txnId, fencingToken } = lease;
  return { key, leaseId, txnId, fencingToken };
}

/** Starts a waiter that notes its name when it is served. */
function queueUp(
  { engine }: TestEngine,
  served: string[],
  owner: string,
  signal?: AbortSignal,
): Promise<AcquireResult> {
  return engine.acquire({ ...forever, owner }, { signal }).then((lease) => {
    served.push(owner);
    return lease;
  });
}

describe.each([
  ["exclusive store", true],
  ["shared store", false],
])("waiting on an %s", (_name, exclusive) => {
  const open = () => testEngine({ store: new ScriptedStore({ exclusive }) });

  test("waiters are served in the order they came, one a release", async () => {
    const parts = open();
    const served: string[] = [];
    let holder = await parts.engine.acquire(noWait);
    const waiters = [];
    for (const owner of ["a", "b", "c", "d"]) {
      waiters.push(queueUp(parts, served, owner));
      await settled();
    }
    for (const [turn, waiter] of waiters.entries()) {
      expect(served).toHaveLength(turn);
      await parts.engine.release(addressOf(holder));
      holder = await waiter;
      expect(holder.fencingToken).toBe(turn + 2);
    }
    expect(served).toEqual(["a", "b", "c", "d"]);
  });

  test("expiry serves the first waiter without any other event", async () => {
    const parts = open();
    const served: string[] = [];
    await parts.engine.acquire({ ...noWait, ttlSeconds: 5 });
    const waiter = queueUp(parts, served, "a");
    await parts.clock.advance(4900);
    expect(served).toEqual([]);
    await parts.clock.advance(1200);
    expect(served).toEqual(["a"]);
    expect((await waiter).fencingToken).toBe(2);
  });

  test("a bounded wait ends with waiting, not earlier, and tells who holds", async () => {
    const { engine, clock } = open();
    await engine.acquire({ ...noWait, owner: "holder" });
    let error: unknown;
    const waiter = engine.acquire({ ...forever, blockSeconds: 2 }).catch((caught) => {
      error = caught;
    });
    await clock.advance(1900);
    expect(error).toBeUndefined();
    await clock.advance(200);
    await waiter;
    expect(error).toMatchObject({ code: "waiting", retryAfterMs: 28_000 });
    expect(String(error)).toContain("holder");
  });

  test("a waiter that went away is never granted", async () => {
    const parts = open();
    const holder = await parts.engine.acquire(noWait);
    const leaving = new AbortController();
    const waiter = queueUp(parts, [], "gone", leaving.signal);
    await settled();
    leaving.abort(new Error("client gone"));
    await expect(waiter).rejects.toThrow("client gone");
    await parts.engine.release(addressOf(holder));
    await expect(parts.engine.acquire(noWait)).resolves.toMatchObject({ fencingToken: 2 });
  });

  test("a head that leaves while its grant is written gives it back", async () => {
    const parts = open();
    const served: string[] = [];
    const holder = await parts.engine.acquire(noWait);
    const leaving = new AbortController();
    const first = queueUp(parts, served, "gone", leaving.signal);
    await settled();
    const second = queueUp(parts, served, "next");
    await settled();
    let letGo: (value?: unknown) => void = () => {};
    const until = new Promise((resolve) => {
      letGo = resolve;
    });
    parts.store.scripts.push({ kind: "work" }, { kind: "wait", until });
    await parts.engine.release(addressOf(holder));
    await settled();
    leaving.abort(new Error("client gone"));
    await expect(first).rejects.toThrow("client gone");
    letGo();
    await parts.clock.advance(2000);
    const lease = await second;
    expect(served).toEqual(["next"]);
    expect(lease.fencingToken).toBe(3);
  });

  test("nobody overtakes the line", async () => {
    const parts = open();
    const served: string[] = [];
    const holder = await parts.engine.acquire(noWait);
    const waiter = queueUp(parts, served, "first");
    await settled();
    const released = parts.engine.release(addressOf(holder));
    const barging = parts.engine.acquire({ ...noWait, owner: "late" });
    await expect(barging).rejects.toMatchObject({ code: "waiting" });
    await released;
    await waiter;
    expect(served).toEqual(["first"]);
  });

  test("create-only never waits, not even behind a line", async () => {
    const parts = open();
    await parts.engine.acquire(noWait);
    void queueUp(parts, [], "a").catch(() => {});
    await settled();
    await expect(parts.engine.acquire({ ...forever, ifNotExists: true })).rejects.toMatchObject({
      code: "already_exists",
    });
    parts.engine.beginDrain(0);
  });

  test("draining fails blocked and new acquires, and only those", async () => {
    const parts = open();
    const holder = await parts.engine.acquire(noWait);
    const waiter = queueUp(parts, [], "a");
    await settled();
    parts.engine.beginDrain(8000);
    await expect(waiter).rejects.toMatchObject({ code: "shutdown_draining", retryAfterMs: 8000 });
    await expect(parts.engine.acquire({ ...noWait, key: "free" })).rejects.toMatchObject({
      code: "shutdown_draining",
    });
    await parts.engine.keepAlive(addressOf(holder));
    expect(parts.engine.liveLeases()).toBe(1);
    await parts.engine.release(addressOf(holder));
    expect(parts.engine.liveLeases()).toBe(0);
  });

  test("shortening a lease wakes the waiters at its new end", async () => {
    const parts = open();
    const served: string[] = [];
    const holder = await parts.engine.acquire({ ...noWait, ttlSeconds: 600 });
    void queueUp(parts, served, "a");
    await settled();
    await parts.engine.keepAlive({ ...addressOf(holder), ttlSeconds: 2 });
    await parts.clock.advance(3100);
    expect(served).toEqual(["a"]);
  });

  test("no timer is left when nobody waits any more", async () => {
    const parts = open();
    const holder = await parts.engine.acquire(noWait);
    const leaving = new AbortController();
    const waiter = queueUp(parts, [], "gone", leaving.signal);
    await settled();
    leaving.abort(new Error("gone"));
    await expect(waiter).rejects.toThrow("gone");
    await parts.engine.release(addressOf(holder));
    await settled();
    expect(parts.clock.scheduled).toBe(0);
  });
});

test("another process's release is found by looking again", async () => {
  const store = new ScriptedStore({ exclusive: false });
  const here = testEngine({ store });
  const other = testEngine({ store });
  const holder = await other.engine.acquire(noWait);
  const served: string[] = [];
  void queueUp(here, served, "a");
  await settled();
  await other.engine.release(addressOf(holder));
  expect(served).toEqual([]);
  await here.clock.advance(1300);
  expect(served).toEqual(["a"]);
});

test("a grant that ran out while it was being written is not handed out", async () => {
  const { engine, clock, store } = testEngine();
  let letGo: (value?: unknown) => void = () => {};
  const until = new Promise((resolve) => {
    letGo = resolve;
  });
  store.scripts.push({ kind: "wait", until });
  const acquiring = engine.acquire({ ...noWait, ttlSeconds: 2 });
  await clock.advance(5000);
  letGo();
  await expect(acquiring).resolves.toMatchObject({ fencingToken: 2 });
});
