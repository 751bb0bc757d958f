/** Large bodies: syncs that begin while a body is still being written. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { ContentFiles } from "../../../src/storage/disk/content-files.ts";
import { errnoOf } from "./journal/journal-fixture.ts";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

function directoryOf(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-content-"));
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function* megabytes(count: number): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < count; n += 1) yield Buffer.alloc(1024 * 1024, n);
}

/** What all file handles have in common. */
async function handlesOf(directory: string): Promise<FileHandle> {
  const probe = await open(directory, "r");
  await probe.close();
  return Object.getPrototypeOf(probe) as FileHandle;
}

/** Counts the syncs of files, and lets one of them fail. */
async function watchSyncs(directory: string, failing: number): Promise<() => number> {
  const prototype = await handlesOf(directory);
  const original = prototype.datasync;
  let calls = 0;
  vi.spyOn(prototype, "datasync").mockImplementation(async function (this: FileHandle) {
    calls += 1;
    if (calls === failing) throw errnoOf("EIO");
    await original.call(this);
  });
  return () => calls;
}

async function textOf(content: ContentFiles, name: string): Promise<string> {
  const found = await content.read(name);
  if (found === undefined) return "absent";
  const sizes = new Map<number, number>();
  for await (const chunk of found.body) {
    for (const byte of chunk) sizes.set(byte, (sizes.get(byte) ?? 0) + 1);
  }
  return [...sizes.values()].map((size) => size / 1024 / 1024).join(" ");
}

test("a long body is synced while it is written, and at its end", async () => {
  const directory = directoryOf();
  const calls = await watchSyncs(directory, 0);
  const content = new ContentFiles(directory);
  await content.write("long", megabytes(9));
  expect(calls()).toBeGreaterThan(1);
  expect(await textOf(content, "long")).toBe("1 1 1 1 1 1 1 1 1");
});

test("a failure of an early sync fails the body: no later sync would tell of it", async () => {
  const directory = directoryOf();
  const calls = await watchSyncs(directory, 1);
  const content = new ContentFiles(directory);
  await expect(content.write("long", megabytes(6))).rejects.toMatchObject({ kind: "failed" });
  expect(calls()).toBe(1);
  expect(await textOf(content, "long")).toBe("absent");
  expect(readdirSync(path.join(directory, "content", "tmp"))).toEqual([]);
});

test("a source that breaks during an early sync leaves nothing", async () => {
  const directory = directoryOf();
  const content = new ContentFiles(directory);
  const breaking = async function* () {
    yield* megabytes(5);
    throw new RangeError("source broke");
  };
  await expect(content.write("long", breaking())).rejects.toThrow("source broke");
  expect(await textOf(content, "long")).toBe("absent");
  expect(readdirSync(path.join(directory, "content", "tmp"))).toEqual([]);
});

test("chunks that are lent are one piece of memory", async () => {
  const content = new ContentFiles(directoryOf());
  await content.write("long", megabytes(3));
  const found = await content.read("long");
  const memories = new Set<ArrayBufferLike>();
  let size = 0;
  for await (const chunk of found?.body.lent?.() ?? []) {
    memories.add(chunk.buffer);
    size += chunk.length;
  }
  expect(size).toBe(3 * 1024 * 1024);
  expect(memories.size).toBe(1);
  await found?.body.close();
});

test("the buffers of a write that fails are in nobody's use when they are freed", async () => {
  const directory = directoryOf();
  const prototype = await handlesOf(directory);
  const { promise: broke, resolve: breakNow } = Promise.withResolvers<void>();
  const lengths: number[] = [];
  vi.spyOn(prototype, "write").mockImplementation(async (bytes: unknown) => {
    breakNow();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { length } = bytes as Uint8Array;
    lengths.push(length);
    return { bytesWritten: length, buffer: "" };
  });
  const breaking = async function* () {
    yield Buffer.alloc(1024 * 1024);
    await broke;
    throw new RangeError("source broke");
  };
  const content = new ContentFiles(directory);
  await expect(content.write("long", breaking())).rejects.toThrow("source broke");
  expect(lengths).toEqual([1024 * 1024]);
});
