/**
 * A watch where several processes write one directory without a server: whatever is committed while
 * nobody is connected is told by the next stream, in its newest version, and nothing twice.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import type { ChangeEvent, ChangeStream } from "../../src/api/observation.ts";
import { LocalLockd } from "../../src/local/local-lockd.ts";

const program = path.join(import.meta.dirname, "../../src/index.ts");

const writer = `
  const { openLockd } = await import(process.env.PROGRAM);
  const client = await openLockd({ store: process.env.STORE });
  for (let n = 0; n < Number(process.env.COUNT); n += 1) {
    const session = await client.acquire({ key: process.env.KEY, owner: "w", ttlMs: 30_000 });
    await session.saveAndRelease({ n });
  }
  await client.close();
`;

/** Commits so many versions of a key from a process of its own. */
async function commitsElsewhere(store: string, key: string, count: number): Promise<void> {
  const env = { ...process.env, PROGRAM: program, STORE: store, KEY: key, COUNT: String(count) };
  const words = ["--no-warnings", "--input-type=module", "-e", writer];
  const child = spawn(process.execPath, words, { env, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
}

async function commit(lockd: LocalLockd, key: string): Promise<void> {
  const lease = await lockd.acquire({ key, owner: "beside", ttlSeconds: 60 });
  await lockd.update({ ...lease, release: "commit" }, Buffer.from("{}"));
}

/** Reads on until an event fits; remembers the newest version of every key and the last id. */
async function readUntil(
  stream: ChangeStream,
  seen: { readonly told: Map<string, number>; last: string | undefined },
  isLast: (event: ChangeEvent) => boolean,
): Promise<void> {
  for await (const event of stream) {
    seen.last = event.id;
    if (event.kind === "state_committed") seen.told.set(event.key ?? "", event.version ?? 0);
    if (isLast(event)) break;
  }
  await stream.close();
}

test("what was committed between two streams is told by the second", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-reconnect-"));
  const store = `disk://${directory}`;
  const [watcher, beside] = [new LocalLockd({ store }), new LocalLockd({ store })];
  const seen = { told: new Map<string, number>(), last: undefined as string | undefined };
  try {
    await commit(beside, "jobs/a");
    const first = await watcher.observation.changes({ prefix: "jobs/", fromVersion: 0 });
    await readUntil(first, seen, ({ kind }) => kind === "ready");
    expect(Object.fromEntries(seen.told)).toEqual({ "jobs/a": 1 });
    // Nobody watches: two processes at once, many versions of one key and a new one.
    await Promise.all([
      commitsElsewhere(store, "jobs/a", 5),
      commitsElsewhere(store, "jobs/b", 3),
      commit(beside, "other"),
    ]);
    const second = await watcher.observation.changes({ prefix: "jobs/", after: seen.last });
    await readUntil(second, seen, ({ kind }) => kind === "ready");
    expect(Object.fromEntries(seen.told)).toEqual({ "jobs/a": 6, "jobs/b": 3 });
    // And while one watches, each newest version comes by itself.
    const third = await watcher.observation.changes({ prefix: "jobs/", after: seen.last });
    const reading = readUntil(third, seen, ({ key, version }) => key === "jobs/b" && version === 4);
    await commit(beside, "jobs/b");
    await reading;
    expect(seen.told.get("jobs/b")).toBe(4);
  } finally {
    await Promise.all([watcher.close(), beside.close()]);
    await rm(directory, { recursive: true, force: true });
  }
}, 120_000);
