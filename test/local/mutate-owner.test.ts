/** A step on a store that servers come to and go from: it counts once, whoever carries it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startRealServer } from "../support/real-server.ts";
import { localLockd, request, storeDirectory } from "./local-fixture.ts";

it("inline, through an owner, and inline again", async () => {
  const directory = await storeDirectory();
  const { lockd, carriers } = localLockd(directory);
  const lease = await lockd.acquire(request);
  const step = () => lockd.mutate({ ...lease, mutations: ["/n++"] });
  await step();
  const server = await startRealServer({ directory });
  await step();
  await server.stop();
  await step();
  const { body } = await lockd.get(lease);
  expect(Buffer.from(body as Uint8Array).toString()).toBe('{"n":3}');
  expect(carriers).toEqual(["inline", "owner", "inline"]);
});

it("an owner that was killed before it heard of the step", async () => {
  const directory = await storeDirectory();
  const { lockd } = localLockd(directory);
  const lease = await lockd.acquire(request);
  const script = join(import.meta.dirname, "../support/own-directory.ts");
  const child = fork(script, [directory], { execArgv: ["--import", "tsx"] });
  await once(child, "message");
  await lockd.mutate({ ...lease, mutations: ["/n++"] });
  child.kill("SIGKILL");
  await once(child, "exit");
  await lockd.mutate({ ...lease, mutations: ["/n++"] });
  const { body } = await lockd.get(lease);
  expect(Buffer.from(body as Uint8Array).toString()).toBe('{"n":2}');
});
