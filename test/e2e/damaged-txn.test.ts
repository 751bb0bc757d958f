/** A damaged transaction in a store on disk: every command that lists names it. */
import path from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 120_000 });

let place: Place;
let whole: string;
let damaged: string;

/** Two recorded transactions; the record of one loses its end. */
beforeAll(async () => {
  place = new Place();
  [whole, damaged] = [await recorded("a"), await recorded("b")];
  const db = new Database(path.join(place.directory, "config", "store", "lockd.db"));
  const { changes } = db
    .prepare("UPDATE objects SET bytes = substr(bytes, 1, 30) WHERE name = ?")
    .run(`t/${damaged}`);
  db.close();
  expect(changes).toBe(1);
});
afterAll(() => place.remove());

async function recorded(key: string): Promise<string> {
  const env = await place.acquire([key, "--ttl", "10m"]);
  const { code } = await place.run(["txn", "prepare", "-p", key], { env });
  expect(code).toBe(0);
  return env.LOCKD_CLIENT_TXN_ID ?? "";
}

async function checkAll(): Promise<void> {
  const text = await place.run(["txn", "list"]);
  expect([text.code, text.stdout]).toEqual([0, expect.stringContaining(whole)]);
  expect(text.stdout).not.toContain(damaged);
  expect(text.stderr).toMatch(new RegExp(`^damaged: ${damaged} cannot be read .*\nnext: .*\n$`));
  const { stdout } = await place.run(["txn", "list", "--json"]);
  const json = JSON.parse(stdout);
  expect(json.transactions).toEqual([expect.objectContaining({ txn_id: whole })]);
  expect(json.damaged).toEqual([{ txn_id: damaged, detail: expect.stringMatching(/^t\//) }]);
  const top = await place.run(["top", "--once"]);
  expect(top.stdout).toContain(`! transactions: store_corrupt: t/${damaged}`);
  const frame = await place.run(["tui", "--once"]);
  expect(frame.stdout).toContain(whole);
  expect(frame.stdout).toContain(`store_corrupt: t/${damaged}`);
  const probe = await place.run(["check", "txn"]);
  expect([probe.code, probe.stdout]).toEqual([2, expect.stringContaining(damaged)]);
}

async function checkStore(): Promise<void> {
  const verified = await place.run(["verify", "store", "--store", place.storeUrl]);
  expect(verified.code).toBe(11);
  expect(verified.stdout).toMatch(new RegExp(`✘ StoredTransactions: t/${damaged}: checksum`));
  const doctor = await place.run(["doctor", "--store", place.storeUrl]);
  expect(doctor.stdout).toContain(`StoredTransactions: t/${damaged}`);
}

test("inline", async () => {
  await checkAll();
  await checkStore();
});

test("through the server that owns the store", async () => {
  const words = ["serve", "--store", place.storeUrl, "--listen", "127.0.0.1:0"];
  const server = place.start([...words, "--disable-mtls", "--disable-storage-encryption"]);
  try {
    await server.says("listening");
    await checkAll();
    await checkStore();
  } finally {
    server.child.kill("SIGTERM");
    await server.ended;
  }
});
