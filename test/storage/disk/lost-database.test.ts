/** A store that lost its database is no new store. */
import { existsSync, mkdtempSync, rmSync, truncateSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LocalLockd } from "../../../src/local/local-lockd.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-lost-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function tokenOf(key: string): Promise<number> {
  const lockd = new LocalLockd({ store: `disk://${directory}` });
  try {
    return (await lockd.acquire({ key, owner: "w", ttlSeconds: 30 })).fencingToken;
  } finally {
    await lockd.close();
  }
}

describe.each([
  ["deleted", (file: string) => unlinkSync(file)],
  ["emptied", (file: string) => truncateSync(file, 0)],
])("a database that was %s", (_name, lose) => {
  test("is refused in every gear, and nothing is made in its place", async () => {
    await tokenOf("k");
    const file = path.join(directory, "lockd.db");
    lose(file);
    const existed = existsSync(file);
    const refusal = { code: "store_unusable", message: expect.stringContaining("lockd.made") };
    await expect(tokenOf("k")).rejects.toMatchObject(refusal);
    const { openStore } = await import("../../../src/storage/open.ts");
    const opened = openStore(`disk://${directory}`, { gear: "exclusive" });
    await expect(opened).rejects.toMatchObject(refusal);
    expect(existsSync(file)).toBe(existed);
    // Who really wants to start anew can say so.
    unlinkSync(path.join(directory, "lockd.made"));
    expect(await tokenOf("k")).toBe(1);
  });
});

test("a store of before there was a mark gets one and goes on counting", async () => {
  await tokenOf("a");
  unlinkSync(path.join(directory, "lockd.made"));
  await tokenOf("b");
  expect(existsSync(path.join(directory, "lockd.made"))).toBe(true);
});
