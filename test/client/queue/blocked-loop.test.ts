/** Leases of messages whose handler keeps the event loop busy are extended beside it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startConsumers } from "../../../src/client/queue/consumer-group.ts";
import type { LockdClient } from "../../../src/client/types.ts";
import { createClient, openLockd } from "../../../src/index.ts";
import { all } from "./queue-fixture.ts";

/** Milliseconds of the lease, and for how long the handler lets nothing else run. */
const visibilityMs = 8_000;
const blockedMs = 11_000;

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function staysWith(client: LockdClient): Promise<void> {
  await client.enqueue("q", "x");
  const seen: number[] = [];
  const errors: unknown[] = [];
  const group = startConsumers(client, [
    {
      queue: "q",
      subscribe: { visibilityMs },
      handler: ({ message }) => {
        seen.push(message.attempts);
        block(blockedMs);
      },
      onError: ({ error }) => void errors.push(error),
    },
  ]);
  await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(1);
  await expect
    .poll(async () => (await all(client.queues.list())).length, { timeout: 30_000 })
    .toBe(0);
  await group.stop();
  expect({ seen, errors }).toEqual({ seen: [1], errors: [] });
}

describe("blocked loops", () => {
  test("over HTTP", { timeout: 60_000 }, async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "lockd-blocked-"));
    const server = fork(path.join(import.meta.dirname, "../../support/own-directory.ts"), [
      directory,
    ]);
    try {
      await once(server, "message");
      await using client = createClient({ endpoints: `unix://${directory}/lockd.sock` });
      await staysWith(client);
    } finally {
      const exit = once(server, "exit");
      server.kill("SIGKILL");
      await exit;
      await rm(directory, { recursive: true, force: true });
    }
  });

  test("inline on disk", { timeout: 60_000 }, async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "lockd-blocked-"));
    {
      await using client = await openLockd({ store: `disk://${directory}` });
      await staysWith(client);
    }
    await rm(directory, { recursive: true, force: true });
  });
});
