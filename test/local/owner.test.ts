import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import type { LocalLockd } from "../../src/local/local-lockd.ts";
import { openStore } from "../../src/storage/open.ts";
import { failureOf } from "../client/http-fixture.ts";
import { startRealServer } from "../support/real-server.ts";
import { localLockd, request, storeDirectory } from "./local-fixture.ts";

let directory: string;
let lockd: LocalLockd;
let carriers: string[];

beforeEach(async () => {
  directory = await storeDirectory();
  ({ lockd, carriers } = localLockd(directory));
});

it("a lease lives on while a server takes the store over and gives it back", async () => {
  const lease = await lockd.acquire(request);
  await lockd.update(lease, Buffer.from("1"));
  const server = await startRealServer({ directory });
  await lockd.update(lease, Buffer.from("2"));
  await lockd.keepAlive(lease);
  const staged = await lockd.get(lease);
  expect(Buffer.from(staged.body as Uint8Array).toString()).toBe("2");
  await server.stop();
  await lockd.release(lease);
  const state = await lockd.get({ key: "orders/1", public: true });
  expect(Buffer.from(state.body as Uint8Array).toString()).toBe("2");
  expect(carriers).toEqual(["inline", "owner", "inline"]);
});

it("a waiter goes along to the server and back", async () => {
  const lease = await lockd.acquire(request);
  const { lockd: other } = localLockd(directory);
  const waiting = other.acquire({ ...request, owner: "w2" });
  const server = await startRealServer({ directory });
  await lockd.release(lease);
  const second = await waiting;
  expect(second).toMatchObject({ owner: "w2", fencingToken: 2 });
  const third = lockd.acquire({ ...request, owner: "w3" });
  await expect.poll(async () => (await other.status({ key: "orders/1" })).waiters).toBe(1);
  await server.stop();
  await other.release(second);
  expect(await third).toMatchObject({ owner: "w3", fencingToken: 3 });
});

it("sees what an owner acknowledged before it was killed", async () => {
  const lease = await lockd.acquire(request);
  const script = join(import.meta.dirname, "../support/own-directory.ts");
  const child = fork(script, [directory], { execArgv: ["--import", "tsx"] });
  await once(child, "message");
  await lockd.update({ ...lease, release: "commit" }, Buffer.from('"acknowledged"'));
  child.kill("SIGKILL");
  await once(child, "exit");
  const state = await lockd.get({ key: "orders/1", public: true });
  expect(Buffer.from(state.body as Uint8Array).toString()).toBe('"acknowledged"');
  expect(await lockd.acquire({ ...request, blockSeconds: -1 })).toMatchObject({ fencingToken: 2 });
  expect(carriers).toEqual(["inline", "owner", "inline"]);
});

it("an owner without a socket refuses writes with a hint and allows reads", async () => {
  const lease = await lockd.acquire(request);
  await lockd.update({ ...lease, release: "commit" }, Buffer.from("1"));
  const owned = await openStore(`disk://${directory}`, { gear: "exclusive" });
  const state = await lockd.get({ key: "orders/1", public: true });
  expect(state.version).toBe(1);
  const error = await failureOf(lockd.acquire({ ...request, blockSeconds: -1 }));
  expect(error).toMatchObject({ code: "store_owned", status: 503 });
  expect(String(error)).toMatch(/owned by process \d+ and its socket .*lockd\.sock cannot/);
  await owned.close();
  expect(await lockd.acquire({ ...request, blockSeconds: -1 })).toMatchObject({ fencingToken: 2 });
});

it("a server that is still starting is waited for", async () => {
  await lockd.acquire(request);
  const owned = await openStore(`disk://${directory}`, { gear: "exclusive" });
  const writing = lockd.acquire({ ...request, key: "orders/2" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await owned.close();
  const server = await startRealServer({ directory });
  expect((await writing).fencingToken).toBe(1);
  await server.stop();
});
