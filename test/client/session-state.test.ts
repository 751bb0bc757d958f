import { describe, expect, it } from "vitest";
import {
  ConflictError,
  LockdConfigError,
  LockdTimeoutError,
  StateNotFoundError,
} from "../../src/api/errors.ts";
import { failureOf } from "./http-fixture.ts";
import { advancing, request, sessionFixture } from "./session-fixture.ts";

describe("acquire of the SDK", () => {
  it("gives a session with everything the answer said", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    expect(session).toMatchObject({
      namespace: "default",
      key: "orders/1",
      owner: "w1",
      version: 0,
      stateEtag: "",
      fencingToken: 1,
      endpoint: "fake://one",
      released: false,
    });
    expect(session.expiresAt.getTime()).toBe(session.raw.expiresAtUnix * 1_000);
  });

  it.each([
    ["forever", 0],
    [undefined, 0],
    ["none", -1],
    [0, -1],
    [1, 1],
    [2_500, 3],
  ] as const)("waitMs %s is block_seconds %s", async (waitMs, blockSeconds) => {
    const { client, lockd } = sessionFixture();
    await client.acquire({ ...request, ttlMs: 1_500, waitMs });
    expect(lockd.requests("acquire")[0]).toMatchObject({ blockSeconds, ttlSeconds: 2 });
  });

  it("a bounded wait that is over is acquire_timeout, no wait is waiting", async () => {
    const { client, clock } = sessionFixture();
    await client.acquire(request);
    const none = await failureOf(client.acquire({ ...request, waitMs: "none" }));
    expect(none).toMatchObject({ code: "waiting" });
    const error = await failureOf(advancing(clock, client.acquire({ ...request, waitMs: 2_500 })));
    expect(error).toBeInstanceOf(LockdTimeoutError);
    expect(error).toMatchObject({ code: "acquire_timeout", cause: { code: "waiting" } });
  });

  it.each([
    [{ owner: " " }, "missing_owner"],
    [{ ttlMs: 0 }, "invalid_option"],
    [{ ttlMs: Number.NaN }, "invalid_option"],
    [{ waitMs: -5 }, "invalid_option"],
  ])("refuses %j before any request", async (part, code) => {
    const { client, lockd } = sessionFixture();
    const error = await failureOf(client.acquire({ ...request, ...part }));
    expect(error).toBeInstanceOf(LockdConfigError);
    expect(error).toMatchObject({ code });
    expect(lockd.calls).toHaveLength(0);
  });

  it("accepts a bare signal in place of options", async () => {
    const { client } = sessionFixture();
    await client.acquire(request);
    const abort = new AbortController();
    const waiting = failureOf(client.acquire(request, abort.signal));
    abort.abort("stop");
    expect(await waiting).toBe("stop");
  });
});

describe("state of a session", () => {
  it("case 25: a key without state", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    expect(await failureOf(session.load())).toBeInstanceOf(StateNotFoundError);
    expect(await session.loadOr({ n: 0 })).toEqual({ n: 0 });
    expect(await session.getBytes()).toBeNull();
    expect((await session.get()).exists).toBe(false);
  });

  it("case 26: the second update carries etag and version of the first", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    const first = await session.save({ n: 1 });
    await session.save({ n: 2 });
    expect(lockd.requests("update")[0]).toMatchObject({
      ifVersion: undefined,
      ifStateEtag: undefined,
    });
    expect(lockd.requests("update")[1]).toMatchObject({
      ifVersion: first.newVersion,
      ifStateEtag: first.newStateEtag,
    });
    expect(await session.load()).toEqual({ n: 2 });
  });

  it("case 27: another etag is a conflict and leaves the cache alone", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    const { newStateEtag } = await session.save({ n: 1 });
    const error = await failureOf(session.save({ n: 2 }, { ifEtag: "0".repeat(64) }));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ currentEtag: newStateEtag });
    expect(session.stateEtag).toBe(newStateEtag);
    await session.save({ n: 3 });
  });

  it("case 28: null sends no conditions", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    await session.save(2, { ifEtag: null, ifVersion: null });
    expect(lockd.requests("update")[1]).toMatchObject({
      ifVersion: undefined,
      ifStateEtag: undefined,
    });
  });

  it("case 29: a wrong checksum stages nothing", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    await session.save("old");
    const options = { expectedSha256: "0".repeat(64) };
    const error = await failureOf(session.updateBytes(Buffer.from('"new"'), options));
    expect(error).toMatchObject({ code: "expected_sha256_mismatch" });
    expect(await session.load()).toBe("old");
  });

  it("case 49: a public read sees the committed state only", async () => {
    const { client } = sessionFixture();
    const first = await client.acquire(request);
    await first.save("old");
    await first.release();
    const second = await client.acquire(request);
    await second.save("new");
    expect(await client.load("orders/1")).toBe("old");
    expect(await second.load()).toBe("new");
    await second.release();
    expect(await client.load("orders/1")).toBe("new");
  });

  it("a read fills the cache with what it saw", async () => {
    const { client } = sessionFixture();
    const first = await client.acquire(request);
    await first.save("x");
    const view = client.attachSession(first);
    expect(view.version).toBe(0);
    const snapshot = await view.get();
    expect(view).toMatchObject({ version: snapshot.version, stateEtag: snapshot.etag });
  });

  it("remove empties the cached etag; saving again needs no condition on it", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    expect(await session.remove()).toEqual({ removed: true, newVersion: 2 });
    expect(session.stateEtag).toBe("");
    expect(await session.getBytes()).toBeNull();
    await session.save(2);
    expect(lockd.requests("update")[1]).toMatchObject({ ifVersion: 2, ifStateEtag: undefined });
  });

  it("metadata tests the version only", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    await session.save(1);
    expect(await session.updateMetadata({ queryHidden: true })).toEqual({
      version: 1,
      queryHidden: true,
    });
    expect(lockd.requests("updateMetadata")[0]).toMatchObject({ ifVersion: 1, queryHidden: true });
    await session.release();
    expect(await client.describe("orders/1")).toMatchObject({ version: 1, queryHidden: true });
  });

  it("refuses to save what has no JSON form", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    expect(await failureOf(session.save(undefined))).toBeInstanceOf(LockdConfigError);
  });
});
