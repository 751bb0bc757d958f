/** A watch over a store whose server comes and goes, while others write: no commit is lost. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import type { ChangeEvent } from "../../src/api/observation.ts";
import { systemClientClock } from "../../src/client/client-ports.ts";
import { followChanges } from "../../src/client/observation/follow-changes.ts";
import { LocalLockd } from "../../src/local/local-lockd.ts";
import { startRealServer } from "../support/real-server.ts";

const keys = ["jobs/a", "jobs/b", "jobs/c"];

test("the newest version of every key is told, each at most once and in order", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-watch-"));
  const store = `disk://${directory}`;
  const [watcher, writer] = [new LocalLockd({ store }), new LocalLockd({ store })];
  const abort = new AbortController();
  const events: ChangeEvent[] = [];
  const interruptions: unknown[] = [];
  const options = {
    clock: systemClientClock(),
    signal: abort.signal,
    onInterruption: (error: unknown) => interruptions.push(error),
  };
  const newest = new Map<string, number>();
  const told = new Map<string, number>();
  const watching = (async () => {
    const request = { prefix: "jobs/", fromVersion: 0 };
    for await (const event of followChanges(watcher.observation, request, options)) {
      events.push(event);
      if (event.kind !== "state_committed") continue;
      expect(event.version).toBeGreaterThan(told.get(event.key ?? "") ?? 0);
      told.set(event.key ?? "", event.version ?? 0);
    }
  })();
  const commit = async (key: string): Promise<void> => {
    const lease = await writer.acquire({ key, owner: "w", ttlSeconds: 60, blockSeconds: 30 });
    const body = Buffer.from(JSON.stringify({ at: events.length }));
    const { newVersion } = await writer.update({ ...lease, release: "commit" }, body);
    newest.set(key, newVersion);
  };
  const caughtUp = async (): Promise<void> => {
    const enough = Date.now() + 15_000;
    while (Date.now() < enough && !keys.every((key) => told.get(key) === newest.get(key))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(newest));
  };
  try {
    for (let round = 0; round < 3; round += 1) {
      for (const key of keys) await commit(key);
      const server = await startRealServer({ directory });
      for (const key of [...keys, ...keys]) await commit(key);
      // Whichever way it goes by now: it has to see what the server committed.
      await caughtUp();
      await Promise.all([server.stop(), ...keys.slice(0, 2).map(commit)]);
      await commit("jobs/c");
    }
    await caughtUp();
    // It was not one stream that served all of this.
    expect(interruptions.length).toBeGreaterThan(0);
  } finally {
    abort.abort();
    await watching;
    await Promise.all([watcher.close(), writer.close()]);
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);
