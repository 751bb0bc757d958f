/** Disk stores under kill -9, full and read-only media, copies and foreign files. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, describe, expect, test } from "vitest";
import type { Store } from "../../src/engine/ports/store.ts";
import { type Gear, openStore } from "../../src/storage/open.ts";

const any = { kind: "any" } as const;
const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function directoryOf(name: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), `lockd-${name}-`));
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function opened(directory: string, gear: Gear): Promise<Store> {
  const store = await openStore(`disk://${directory}`, { gear });
  cleanUps.push(() => store.close());
  return store;
}

async function put(store: Store, name: string, text: string | Uint8Array): Promise<void> {
  const result = await store.apply([{ kind: "put", name, bytes: Buffer.from(text), when: any }]);
  expect(result.kind).toBe("applied");
}

async function textOf(store: Store, name: string): Promise<string | undefined> {
  const found = await store.get(name);
  return found === undefined ? undefined : Buffer.from(found.bytes).toString();
}

/** Lets a writer run for a while and kills it; the last acknowledged number of each lane. */
async function killedWriter(
  directory: string,
  gear: Gear,
  first: number,
): Promise<Map<number, number>> {
  const writer = path.join(import.meta.dirname, "store-writer.ts");
  const child = spawn(process.execPath, ["--no-warnings", writer, directory, gear, String(first)]);
  const acknowledged = new Map<number, number>();
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [lane, number] = line.split(" ").map(Number);
      if (lane !== undefined && number !== undefined) acknowledged.set(lane, number);
    }
  });
  await once(child.stdout, "data");
  await sleep(60 + Math.random() * 120);
  child.kill("SIGKILL");
  await once(child, "close");
  return acknowledged;
}

describe.each(["shared", "exclusive"] as const)("kill -9 of a writer in the %s gear", (gear) => {
  test("nothing acknowledged is lost, nothing is torn, ten times over", async () => {
    const directory = directoryOf("kill");
    let acknowledgedInAll = 0;
    for (let round = 0; round < 10; round += 1) {
      const acknowledged = await killedWriter(directory, gear, round * 1_000_000);
      acknowledgedInAll += acknowledged.size;
      // Alternate who finds the remains: an inline process or the next server.
      const store = await openStore(`disk://${directory}`, {
        gear: round % 2 === 0 ? "shared" : "exclusive",
      });
      for (const [lane, number] of acknowledged) {
        const text = (await textOf(store, `n/${lane}`)) ?? "";
        expect(Number(text.split(":")[0])).toBeGreaterThanOrEqual(number);
        expect((await store.get(`n/${lane}`))?.bytes.length).toBe(text.indexOf(":") + 1 + 200);
      }
      await store.close();
    }
    expect(acknowledgedInAll).toBeGreaterThan(50);
  }, 60_000);
});

test("a second owner is refused with the first one's process id; a shared writer too", async () => {
  const directory = directoryOf("owned");
  const owner = await opened(directory, "exclusive");
  await put(owner, "a", "1");
  await expect(openStore(`disk://${directory}`, { gear: "exclusive" })).rejects.toMatchObject({
    code: "store_owned",
    detail: expect.stringContaining(String(process.pid)),
  });
  const shared = await opened(directory, "shared");
  const write = shared.apply([{ kind: "put", name: "a", bytes: Buffer.from("2"), when: any }]);
  await expect(write).rejects.toMatchObject({ kind: "owned" });
  await owner.close();
  await put(shared, "a", "3");
  expect(await textOf(shared, "a")).toBe("3");
});

test("an owner that takes a store over from inline processes stops their writes", async () => {
  const directory = directoryOf("takeover");
  const shared = await opened(directory, "shared");
  await put(shared, "a", "1");
  const owner = await opened(directory, "exclusive");
  expect(await textOf(owner, "a")).toBe("1");
  await put(owner, "a", "2");
  const write = shared.apply([{ kind: "put", name: "a", bytes: Buffer.from("x"), when: any }]);
  await expect(write).rejects.toMatchObject({ kind: "owned" });
});

test("a copy made while the owner runs opens consistent, and says that it is a copy", async () => {
  const directory = directoryOf("original");
  const owner = await opened(directory, "exclusive");
  for (let n = 0; n < 50; n += 1) await put(owner, `k/${n % 5}`, `value ${n}`);
  const copy = directoryOf("copy");
  cpSync(directory, copy, { recursive: true, filter: (file) => !file.endsWith(".sock") });
  const notices: string[] = [];
  const store = await openStore(`disk://${copy}`, {
    gear: "shared",
    onNotice: (event) => notices.push(event),
  });
  cleanUps.push(() => store.close());
  expect(notices).toEqual(["storage.disk.copied"]);
  for (let lane = 0; lane < 5; lane += 1) {
    expect(await textOf(store, `k/${lane}`)).toBe(`value ${45 + lane}`);
  }
  await put(store, "k/0", "of the copy");
  expect(await textOf(owner, "k/0")).toBe("value 45");
});

test("many openers of a directory that does not exist yet all get in", async () => {
  for (let round = 0; round < 5; round += 1) {
    const directory = path.join(directoryOf("crowd"), "store");
    const stores = await Promise.all(Array.from({ length: 12 }, () => opened(directory, "shared")));
    await Promise.all(stores.map((store, n) => put(store, `n/${n}`, String(n))));
    const names = await stores[0]?.list("n/", { limit: 100 });
    expect(names?.names).toHaveLength(12);
  }
});

test("what cannot be a store is refused at open, with place and reason", async () => {
  const directory = directoryOf("refused");
  const file = path.join(directory, "file");
  writeFileSync(file, "x");
  const refused = (place: string) => openStore(`disk://${place}`, { gear: "shared" });
  await expect(refused(file)).rejects.toMatchObject({
    code: "store_unusable",
    detail: expect.stringContaining(file),
  });
  const damaged = path.join(directory, "damaged");
  await (await refused(damaged)).close();
  writeFileSync(path.join(damaged, "lockd.db"), "this is no database, not at all".repeat(200));
  await expect(refused(damaged)).rejects.toMatchObject({ code: "store_unusable" });
  const newer = path.join(directory, "newer");
  await (await refused(newer)).close();
  const db = new Database(path.join(newer, "lockd.db"));
  db.exec("UPDATE meta SET value = 99 WHERE key = 'format'");
  db.close();
  await expect(refused(newer)).rejects.toMatchObject({ code: "store_version_unknown" });
  for (const url of ["disk://", "disc:///x", "/tmp/x", "s3://h/b", "mem://x", "disk:///a/../b"]) {
    await expect(openStore(url, { gear: "shared" })).rejects.toMatchObject({
      code: "invalid_store",
    });
  }
});

/** A small file system of our own; undefined where we may not mount one. */
function mounted(options: string): string | undefined {
  const directory = directoryOf("mount");
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", directory], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  cleanUps.push(() => {
    execFileSync("umount", ["-l", directory]);
  });
  return directory;
}

const canMount = (() => {
  const probe = mkdtempSync(path.join(tmpdir(), "lockd-probe-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", probe], { stdio: "ignore" });
    execFileSync("umount", [probe]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
})();

describe.skipIf(!canMount)("on a file system of our own (needs the right to mount)", () => {
  test.each(["shared", "exclusive"] as const)(
    "a full disk in the %s gear",
    async (gear) => {
      const directory = mounted("size=24m") ?? "";
      const store = await opened(directory, gear);
      await put(store, "kept", "before");
      const ballast = path.join(directory, "ballast");
      writeFileSync(ballast, "");
      for (let free = true; free; ) {
        try {
          writeFileSync(ballast, Buffer.alloc(64 * 1024), { flag: "a" });
        } catch {
          free = false;
        }
      }
      let failure: unknown;
      for (let n = 0; failure === undefined && n < 2000; n += 1) {
        failure = await put(store, `n/${n}`, Buffer.alloc(16_000, n)).then(
          () => undefined,
          (error: unknown) => error,
        );
      }
      expect(failure).toMatchObject({ kind: "full" });
      expect(await textOf(store, "kept")).toBe("before");
      rmSync(ballast);
      await put(store, "kept", "after");
      expect(await textOf(store, "kept")).toBe("after");
    },
    30_000,
  );

  test("a read-only file system is refused at open", async () => {
    const directory = mounted("size=24m") ?? "";
    await (await openStore(`disk://${directory}`, { gear: "shared" })).close();
    execFileSync("mount", ["-o", "remount,ro", directory]);
    await expect(openStore(`disk://${directory}`, { gear: "shared" })).rejects.toMatchObject({
      code: "store_unusable",
    });
    expect(readdirSync(directory)).toContain("lockd.db");
  });
});
