import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLockd } from "../../src/index.ts";
import { LocalLockd } from "../../src/local/local-lockd.ts";
import { failureOf, leaseAnswer } from "../client/http-fixture.ts";
import { cut, failed, ok, type Script, ScriptedServer } from "../support/scripted-server.ts";
import { localLockd, storeDirectory, request as waiting } from "./local-fixture.ts";

const request = { ...waiting, blockSeconds: -1 };

let directory: string;
let lockd: LocalLockd;
let carriers: string[];
const servers: ScriptedServer[] = [];

beforeEach(async () => {
  directory = await storeDirectory();
  ({ lockd, carriers } = localLockd(directory));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A server that listens where an owner would. */
async function owner(script: Script): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script, join(directory, "lockd.sock"));
  servers.push(server);
  return server;
}

/** The owner leaves: nobody listens any more. */
async function kill(server: ScriptedServer): Promise<void> {
  servers.splice(servers.indexOf(server), 1);
  await server.close();
}

describe("LocalLockd", () => {
  it("does the work itself when nobody owns the store", async () => {
    const lease = await lockd.acquire(request);
    const body = Buffer.from('{"n":1}');
    expect(await lockd.update({ ...lease, release: "commit" }, body)).toMatchObject({
      released: true,
    });
    const state = await lockd.get({ key: "orders/1", public: true });
    expect(Buffer.from(state.body as Uint8Array).toString()).toBe('{"n":1}');
    expect(carriers).toEqual(["inline"]);
  });

  it("goes through the owner's socket without opening the store", async () => {
    const server = await owner([ok(leaseAnswer), ok({ released: true })]);
    const { leaseId } = await lockd.acquire(request);
    expect(leaseId).toBe(leaseAnswer.lease_id);
    await lockd.release({ key: "orders/1", leaseId, fencingToken: 7 });
    expect(server.requests).toHaveLength(2);
    expect(carriers).toEqual(["owner"]);
  });

  it("finds an owner that came later, and works by itself after it left", async () => {
    await lockd.acquire(request);
    const server = await owner(() => failed(409, "waiting"));
    expect(await failureOf(lockd.acquire(request))).toMatchObject({ endpoint: server.url });
    await kill(server);
    const other = await lockd.acquire({ ...request, key: "orders/2" });
    expect(other.fencingToken).toBe(1);
    expect(carriers).toEqual(["inline", "owner", "inline"]);
  });

  it("takes a socket nobody listens on for no owner", async () => {
    const script = `
      import { createServer } from "node:net";
      createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"));`;
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      script,
      join(directory, "lockd.sock"),
    ]);
    await new Promise((resolve) => child.once("exit", resolve));
    expect((await lockd.acquire(request)).fencingToken).toBe(1);
    expect((await lockd.describe({ key: "orders/1" })).owner).toBe("w1");
  });

  it("repeats a write whose answer was lost with the owner, in its own engine", async () => {
    const lease = await lockd.acquire(request);
    const server = await owner((_request, index) => {
      if (index === 0) void kill(server);
      return cut;
    });
    const updated = await lockd.update(lease, Buffer.from("1"));
    expect(updated.newVersion).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  it("a repeat that meets a conflict says that the outcome is unknown", async () => {
    const lease = await lockd.acquire(request);
    const server = await owner((_request, index) => {
      if (index === 0) void kill(server);
      return cut;
    });
    const error = await failureOf(lockd.remove({ ...lease, ifVersion: 9 }));
    expect(error).toMatchObject({ code: "version_conflict", outcomeUnknown: true });
  });

  it("never repeats a stream that was sent", async () => {
    const lease = await lockd.acquire(request);
    const server = await owner(() => cut);
    const stream = (async function* () {
      yield Buffer.from("1");
    })();
    const error = await failureOf(lockd.update(lease, stream));
    expect(error).toMatchObject({ code: "transport", outcomeUnknown: true });
    expect(server.requests).toHaveLength(1);
  });

  it("gives up on a connection that keeps breaking while the owner lives", async () => {
    const server = await owner(() => cut);
    const error = await failureOf(lockd.keepAlive({ key: "k", leaseId: "l", fencingToken: 1 }));
    expect(error).toMatchObject({ code: "transport", outcomeUnknown: true });
    expect(server.requests).toHaveLength(6);
  });

  it("honours the limit of a call and the abort of a wait", async () => {
    await lockd.acquire(request);
    const waiting = lockd.acquire({ ...request, blockSeconds: 0 }, { timeoutMs: 60 });
    expect(await failureOf(waiting)).toMatchObject({ code: "timeout", operation: "acquire" });
    const abort = new AbortController();
    const other = lockd.acquire({ ...request, blockSeconds: 0 }, { signal: abort.signal });
    abort.abort("stop");
    expect(await failureOf(other)).toBe("stop");
  });

  it("says what is wrong with a store URL", async () => {
    const wrong = new LocalLockd({ store: "ftp://x" });
    expect(await failureOf(wrong.describe({ key: "k" }))).toMatchObject({ code: "invalid_store" });
    await lockd.close();
    expect(await failureOf(lockd.describe({ key: "k" }))).toMatchObject({ code: "invalid_option" });
  });
});

describe("openLockd", () => {
  it("gives the whole client over a directory, shared with another process's client", async () => {
    const store = `disk://${directory}`;
    await using one = await openLockd({ store });
    await using two = await openLockd({ store });
    await one.acquireForUpdate({ key: "k", owner: "one", ttlMs: 5_000 }, async (context) => {
      await context.saveAndRelease({ n: 1 });
    });
    const held = await two.acquire({ key: "k", owner: "two", ttlMs: 5_000 });
    expect(await held.load()).toEqual({ n: 1 });
    const busy = one.acquire({ key: "k", owner: "one", ttlMs: 5_000, waitMs: "none" });
    expect(await failureOf(busy)).toMatchObject({ code: "waiting" });
    const waiting = one.acquire({ key: "k", owner: "one", ttlMs: 5_000 });
    await held.release();
    expect((await waiting).fencingToken).toBe(3);
    await (await waiting).release();
  });

  it("works in memory", async () => {
    await using client = await openLockd({ store: "mem://" });
    const session = await client.acquire({ key: "k", owner: "me", ttlMs: 5_000 });
    await session.saveAndRelease([1]);
    expect(await client.load("k")).toEqual([1]);
  });

  it("rejects at once for a store that cannot be opened", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    const error = await failureOf(openLockd({ store: `disk://${file}` }));
    expect(error).toMatchObject({ code: "store_unusable" });
  });
});
