/** The built server publishes what was committed through it, at the latest when it stops. */
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

test("a server that stops leaves an index of all documents beside its store", async () => {
  const server = await place.serve(["--drain-grace", "0s"]);
  for (const n of [1, 2, 3]) {
    const words = [`key-${n}`, "--server", server.url];
    const env = await place.acquire(words);
    const input = JSON.stringify({ n, status: "open" });
    const updated = await place.run(["update"], { env, input });
    expect(updated).toMatchObject({ code: 0 });
    expect((await place.run(["release"], { env })).code).toBe(0);
  }
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
  const file = path.join(place.directory, "config", "store", "index", "1.db");
  const db = new Database(file, { readonly: true });
  expect(db.prepare("SELECT key FROM docs ORDER BY key").pluck().all()).toEqual([
    "key-1",
    "key-2",
    "key-3",
  ]);
  expect(db.prepare("SELECT value FROM meta WHERE key = 'dirty'").pluck().get()).toBe(0);
  db.close();
});
