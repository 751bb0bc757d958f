/** The observation of the client library: overview and events over servers that come and go. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ChangeEvent, connect, type LockdClient, openLockd } from "../../src/index.ts";
import { type RealServer, startRealServer } from "../support/real-server.ts";

let directory: string;
let server: RealServer;
let client: LockdClient;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "lockd-observation-"));
  server = await startRealServer({ directory });
  // By its socket: a server that comes back is found under the same name.
  client = connect({ endpoints: `unix://${directory}/lockd.sock` });
});
afterEach(async () => {
  await client.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function commit(by: LockdClient, key: string, n: number): Promise<void> {
  const session = await by.acquire({ key, owner: "w", ttlMs: 30_000 });
  await session.saveAndRelease({ n });
}

/** Events as they come, and a way to wait until enough of them came. */
function collected(events: AsyncIterable<ChangeEvent>) {
  const seen: ChangeEvent[] = [];
  const reading = (async () => {
    for await (const event of events) seen.push(event);
  })();
  const until = async (isEnough: () => boolean): Promise<void> => {
    for (const end = Date.now() + 20_000; !isEnough() && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(isEnough()).toBe(true);
  };
  return { seen, reading, until };
}

test("an overview of what is held", async () => {
  const session = await client.acquire({ key: "orders", owner: "me", ttlMs: 30_000 });
  const { counts, leases } = await client.observation.overview({ limit: 1 });
  expect(counts.keysHeld).toBe(1);
  expect(leases).toMatchObject([{ key: "orders", owner: "me", leaseId: session.leaseId }]);
});

test("events go on over a restart: no commit is lost, none is told twice", async () => {
  const interruptions: unknown[] = [];
  const onInterruption = (error: unknown): void => void interruptions.push(error);
  const events = client.observation.events({ prefix: "jobs/" }, { onInterruption });
  const { seen, reading, until } = collected(events);
  await until(() => seen.some(({ kind }) => kind === "ready"));
  await commit(client, "jobs/a", 1);
  await commit(client, "elsewhere", 1);
  const told = (): string[] =>
    seen.flatMap(({ kind, key, version }) =>
      kind === "state_committed" ? [`${key} ${version}`] : [],
    );
  await until(() => told().length === 1);
  await server.stop();
  // Nobody watches while this is committed.
  await using alone = await openLockd({ store: `disk://${directory}` });
  await commit(alone, "jobs/b", 1);
  await commit(alone, "jobs/a", 2);
  server = await startRealServer({ directory });
  await until(() => told().length === 3);
  await commit(client, "jobs/a", 3);
  await until(() => told().length === 4);
  expect(told().sort()).toEqual(["jobs/a 1", "jobs/a 2", "jobs/a 3", "jobs/b 1"]);
  expect(interruptions.length).toBeGreaterThan(0);
  await client.close();
  await reading;
}, 60_000);

test("the client's namespace counts for keys; a signal ends the events", async () => {
  client.useNamespace("billing");
  const abort = new AbortController();
  const { seen, reading, until } = collected(
    client.observation.events({ key: "k" }, { signal: abort.signal }),
  );
  await until(() => seen.some(({ kind }) => kind === "ready"));
  await using other = connect({ endpoints: server.url });
  await commit(other, "k", 1);
  await commit(client, "k", 1);
  await until(() => seen.some(({ kind }) => kind === "state_committed"));
  expect(new Set(seen.flatMap(({ namespace }) => namespace ?? []))).toEqual(new Set(["billing"]));
  abort.abort();
  await reading;
});

test("a stream that is refused at once is an error", async () => {
  const events = client.observation.events({ key: "a", prefix: "b" });
  const first = events[Symbol.asyncIterator]().next();
  await expect(first).rejects.toMatchObject({ code: "invalid_observation" });
});
