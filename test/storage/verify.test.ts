/** `verify store` on stores that cannot be opened any more: it names what is damaged. */
import {
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, test } from "vitest";
import type { Gear } from "../../src/storage/open.ts";
import { openStore } from "../../src/storage/open.ts";
import { verifyStore } from "../../src/storage/verify.ts";

const cleanUps: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function newDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "lockd-verify-"));
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A store with a few dozen objects that is still open. */
async function filled(directory: string, gear: Gear) {
  const store = await openStore(`disk://${directory}`, { gear });
  for (let n = 0; n < 40; n += 1) {
    const step = { kind: "put", name: `x/${n}`, bytes: Buffer.alloc(2000, n) } as const;
    await store.apply([{ ...step, when: { kind: "any" } }]);
  }
  return store;
}

async function storedData(directory: string) {
  const report = await verifyStore(`disk://${directory}`);
  const check = report.checks.find(({ name }) => name === "StoredData");
  return { ...check, passed: report.passed };
}

test("a store in order, a new one, and one that a server owns", async () => {
  const directory = newDirectory();
  expect(await storedData(directory)).toMatchObject({
    passed: true,
    info: "nothing is stored yet",
  });
  const store = await filled(directory, "exclusive");
  expect(await storedData(directory)).toMatchObject({
    passed: true,
    info: expect.stringContaining("owns the store"),
  });
  await store.close();
  expect(await storedData(directory)).toEqual({ name: "StoredData", ok: true, passed: true });
});

test("a damaged database", async () => {
  const directory = newDirectory();
  await (await filled(directory, "shared")).close();
  const file = path.join(directory, "lockd.db");
  const { size } = statSync(file);
  const open = openSync(file, "r+");
  for (let at = 4096; at < size; at += 4096) writeSync(open, Buffer.alloc(512, 255), 0, 512, at);
  const found = await storedData(directory);
  expect(found).toMatchObject({ ok: false, passed: false });
  expect(found.error).toContain(file);
});

test("a store of a newer lockd", async () => {
  const directory = newDirectory();
  await (await filled(directory, "shared")).close();
  const db = new Database(path.join(directory, "lockd.db"));
  db.prepare("UPDATE meta SET value = 2 WHERE key = 'format'").run();
  db.close();
  const found = await storedData(directory);
  expect(found).toMatchObject({ ok: false, passed: false });
  expect(found.error).toContain("has format 2; this lockd knows format 1");
});

test("a damaged journal of a dead owner", async () => {
  const directory = newDirectory();
  const store = await filled(directory, "exclusive");
  const copy = newDirectory();
  cpSync(directory, copy, { recursive: true });
  await store.close();
  expect(await storedData(copy)).toMatchObject({ ok: true, passed: true });
  const segment = path.join(copy, "journal", "000000000001.seg");
  const bytes = readFileSync(segment);
  bytes[10_000] = (bytes[10_000] ?? 0) ^ 255;
  writeFileSync(segment, bytes);
  const found = await storedData(copy);
  expect(found).toMatchObject({ ok: false, passed: false });
  expect(found.error).toMatch(/000000000001\.seg: damaged at offset \d+, data follows/);
});
