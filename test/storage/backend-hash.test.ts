/** Cases 51 and 52: the name of an island. */
import { createHash } from "node:crypto";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { type Store, StoreFailure } from "../../src/engine/ports/store.ts";
import { systemRandom } from "../../src/host/random.ts";
import { backendHash, backendIdName } from "../../src/storage/backend-hash.ts";
import { MemoryBackend, MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { openStore } from "../../src/storage/open.ts";
import { ScriptedStore } from "../support/scripted-store.ts";

const random = systemRandom();
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const directories: string[] = [];

afterEach(async () => {
  await Promise.all(directories.splice(0).map((one) => rm(one, { recursive: true, force: true })));
});

async function freshDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-island-"));
  directories.push(directory);
  return directory;
}

async function hashOf(directory: string): Promise<string> {
  const storeUrl = `disk://${directory}`;
  const store = await openStore(storeUrl, { gear: "shared" });
  try {
    return await backendHash({ store, storeUrl, random });
  } finally {
    await store.close();
  }
}

async function rewrite(store: Store, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  await store.apply([{ kind: "put", name: backendIdName, bytes, when: { kind: "any" } }]);
}

test("51: a directory is called by its path at first, and keeps its name", async () => {
  const directory = path.join(await freshDirectory(), "store");
  const first = await hashOf(directory);
  expect(first).toBe(createHash("sha256").update(`disk|${directory}`).digest("hex"));
  expect(await hashOf(directory)).toBe(first);
  const moved = `${directory}-moved`;
  await rename(directory, moved);
  expect(await hashOf(moved)).toBe(first);
});

test("51: memory has a UUIDv7; what was written over it counts, trimmed", async () => {
  const store = new MemoryStore();
  const first = await backendHash({ store, storeUrl: "mem://", random });
  expect(first).toMatch(uuidV7);
  expect(await backendHash({ store, storeUrl: "mem://", random })).toBe(first);
  await rewrite(store, " by-hand\n");
  expect(await backendHash({ store, storeUrl: "mem://", random })).toBe("by-hand");
});

test("52: two that start on an empty store at once agree", async () => {
  const backend = new MemoryBackend();
  const names = await Promise.all(
    Array.from({ length: 8 }, () =>
      backendHash({ store: new MemoryStore({ backend }), storeUrl: "mem://", random }),
    ),
  );
  expect(new Set(names).size).toBe(1);
});

test("a write whose answer was lost is found again", async () => {
  const store = new ScriptedStore();
  store.scripts.push({ kind: "lose-answer" });
  const name = await backendHash({ store, storeUrl: "disk:///somewhere", random });
  expect(Buffer.from(store.objects.get(backendIdName)?.bytes ?? []).toString()).toBe(name);
});

test("a store that cannot keep it: the hash of its path, and a notice", async () => {
  const notices: string[] = [];
  const onNotice = (event: string): number => notices.push(event);
  for (const [storeUrl, expected] of [
    ["disk:///somewhere", createHash("sha256").update("disk|/somewhere").digest("hex")],
    ["mem://", ""],
  ] as const) {
    const store = new ScriptedStore();
    store.scripts.push({ kind: "fail", failure: new StoreFailure("read_only", "no") });
    expect(await backendHash({ store, storeUrl, random, onNotice })).toBe(expected);
  }
  expect(notices).toEqual(["backend.hash.unkept", "backend.hash.unkept"]);
});
