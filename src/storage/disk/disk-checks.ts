/** The checks of `verify store` for a directory; all probes are removed again. */
import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Plan } from "../../engine/ports/store.ts";
import type { StoreCheck } from "../verify.ts";
import { syncDirectory } from "./content-files.ts";
import { fileSystemOf } from "./file-systems.ts";
import { OwnerLock } from "./ownership.ts";
import { SqliteRows } from "./sqlite-rows.ts";
import { checkStoredData } from "./stored-data-check.ts";

/** Milliseconds the file system's clock may differ from ours without a word. */
const clockSkewMs = 2_000;

type Check = () => Promise<string | undefined>;

/** Without them those that write have nowhere to do it. */
const firstOfAll = new Set(["RootExists", "RootWritable"]);

/** They only read. */
const independent = new Set(["NFS", "StoredData"]);

/** Runs all checks in order; a failure does not stop later ones that can be made without it. */
export async function diskChecks(directory: string): Promise<StoreCheck[]> {
  const probe = path.join(directory, `.lockd-verify-${randomUUID()}`);
  const checks: readonly (readonly [string, Check])[] = [
    ["RootExists", () => rootExists(directory)],
    ["RootWritable", () => rootWritable(directory, probe)],
    ["AtomicRename", () => atomicRename(probe)],
    ["FsyncSupport", () => fsyncSupport(probe)],
    ["LockSupport", () => lockSupport(probe)],
    ["NFS", () => networkFileSystem(directory)],
    ["CreateMeta", () => createMeta(probe)],
    ["ConcurrentMetaCAS", () => concurrentCas(probe, 300)],
    ["ConcurrentStateCAS", () => concurrentCas(probe, 100_000)],
    ["ClockSkew", () => clockSkew(probe)],
    ["StoredData", async () => checkStoredData(directory)],
  ];
  const results: StoreCheck[] = [];
  try {
    for (const [name, check] of checks) {
      const broken = results.find((one) => !one.ok && firstOfAll.has(one.name));
      if (broken === undefined || independent.has(name)) results.push(await outcome(name, check));
      else results.push({ name, ok: false, error: `not tried, as ${broken.name} failed` });
    }
  } finally {
    results.push(await outcome("Cleanup", () => cleanUp(probe)));
  }
  return results;
}

async function outcome(name: string, check: Check): Promise<StoreCheck> {
  try {
    const info = await check();
    return info === undefined ? { name, ok: true } : { name, ok: true, info };
  } catch (error) {
    return { name, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

async function rootExists(directory: string): Promise<undefined> {
  const found = await stat(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`${directory} is not there; the first command that uses it makes it`);
  });
  if (!found.isDirectory()) throw new Error(`${directory} is no directory`);
}

async function rootWritable(_directory: string, probe: string): Promise<undefined> {
  await mkdir(probe, { mode: 0o700 });
  await writeSynced(path.join(probe, "write"), "probe");
  await rm(path.join(probe, "write"));
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function atomicRename(probe: string): Promise<undefined> {
  const [from, to] = [path.join(probe, "from"), path.join(probe, "to")];
  await writeSynced(to, "old");
  await writeSynced(from, "new");
  await rename(from, to);
  const handle = await open(to, "r");
  const text = await handle.readFile("utf8").finally(() => handle.close());
  if (text !== "new") throw new Error("a rename did not replace its target");
}

async function fsyncSupport(probe: string): Promise<undefined> {
  await writeSynced(path.join(probe, "sync"), "x");
  await syncDirectory(probe);
}

/** Two takers, one winner; and the lock is free again when its holder lets go. */
async function lockSupport(probe: string): Promise<undefined> {
  const first = OwnerLock.tryTake(probe);
  if (first === undefined) throw new Error("a fresh lock could not be taken");
  try {
    const second = OwnerLock.tryTake(probe);
    second?.release();
    if (second !== undefined) throw new Error("two holders got the same lock");
  } finally {
    first.release();
  }
  const again = OwnerLock.tryTake(probe);
  again?.release();
  if (again === undefined) throw new Error("a released lock could not be taken again");
}

async function networkFileSystem(directory: string): Promise<string> {
  const { name, trait } = await fileSystemOf(directory);
  if (trait !== "network") return "not a network file system";
  throw new Error(`${name} is a network file system: its locks cannot be relied on for SQLite`);
}

async function createMeta(probe: string): Promise<undefined> {
  const rows = SqliteRows.open({ path: path.join(probe, "lockd.db") });
  rows.close();
}

/** Two independent connections change one object from the same tag: exactly one wins. */
async function concurrentCas(probe: string, bytes: number): Promise<undefined> {
  const file = path.join(probe, "lockd.db");
  const [one, other] = [SqliteRows.open({ path: file }), SqliteRows.open({ path: file })];
  try {
    const name = `x/lockd-diagnostics/${randomUUID()}`;
    const put = (when: Plan[number]["when"]): Plan => [
      { kind: "put", name, bytes: Buffer.alloc(bytes, 1), when },
    ];
    one.applyPlans([put({ kind: "absent" })], () => {});
    const tag = other.get(name)?.tag;
    if (tag === undefined) throw new Error("a write of one connection is invisible to another");
    const wins = [one, other].filter((rows) => {
      const [result] = rows.applyPlans([put({ kind: "tag", tag })], () => {});
      return result?.kind === "applied";
    });
    if (wins.length !== 1) throw new Error(`${wins.length} of 2 writers won one compare-and-swap`);
  } finally {
    one.close();
    other.close();
  }
}

async function clockSkew(probe: string): Promise<string | undefined> {
  const file = path.join(probe, "clock");
  await writeSynced(file, "x");
  const skewMs = Math.abs((await stat(file)).mtimeMs - Date.now());
  return skewMs < clockSkewMs ? undefined : `files are ${Math.round(skewMs)} ms off our clock`;
}

async function cleanUp(probe: string): Promise<undefined> {
  await rm(probe, { recursive: true, force: true });
}
