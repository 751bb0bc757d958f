/** `--dry-run`: tells exactly what would happen, and changes nothing. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 120_000 });

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

async function run(words: readonly string[], env: object = {}, input = ""): Promise<string> {
  const { code, stdout, stderr } = await place.run(words, { env, input });
  expect([code, stderr]).toEqual([0, expect.anything()]);
  return stdout;
}

async function json(words: readonly string[], env: object = {}) {
  return JSON.parse(await run([...words, "--json"], env));
}

test("remove and attachments: under the lease's own checks, nothing is staged", async () => {
  const env = await place.acquire(["doc"]);
  await run(["update"], env, '{"a": 1}');
  await run(["attachments", "put", "--name", "a.txt", "--file", "-"], env, "abc");
  await run(["attachments", "put", "--name", "b.txt", "--file", "-"], env, "b");
  const would = { dry_run: true, removed: true, version: 1, bytes: 7 };
  expect(await json(["remove", "--dry-run"], env)).toEqual(would);
  const comment = "# would be removed: the state of version 1, 7 bytes\n";
  expect(await run(["remove", "--dry-run", "--output", "env"], env)).toBe(comment);
  const conflict = await place.run(["remove", "--dry-run", "--if-version", "7"], { env });
  expect([conflict.code, conflict.stdout]).toEqual([4, ""]);
  expect(conflict.stderr).toContain("version_conflict");
  const stale = { ...env, LOCKD_CLIENT_FENCING_TOKEN: "99" };
  expect((await place.run(["remove", "--dry-run"], { env: stale })).code).toBe(6);
  const one = await json(["attachments", "delete", "--name", "a.txt", "--dry-run"], env);
  expect(one).toMatchObject({ dry_run: true, deleted: true, attachments: [{ name: "a.txt" }] });
  const none = await json(["attachments", "delete", "--name", "no", "--dry-run"], env);
  expect(none).toEqual({ dry_run: true, deleted: false, attachments: [] });
  const all = await json(["attachments", "delete-all", "--dry-run", "--yes"], env);
  expect(all).toMatchObject({ deleted: 2, attachments: [{ name: "a.txt" }, { name: "b.txt" }] });
  await run(["release"], env);
  expect(JSON.parse(await run(["get", "doc", "--public", "-q"]))).toEqual({ a: 1 });
  expect((await json(["attachments", "list", "doc", "--public"])).attachments).toHaveLength(2);
  const again = await place.acquire(["doc"]);
  expect(await json(["remove", "--yes"], again)).toMatchObject({ removed: true });
});

test("purge and redrive: the very letters, all of which stay", async () => {
  for (const payload of ["a", "b"]) {
    await run(["enqueue", "mail", "-d", payload, "--max-attempts", "1"]);
    const { stdout } = await place.run(["dequeue", "mail"]);
    const pairs = [...stdout.matchAll(/^export ([A-Z_]+)="(.*)"$/gm)];
    const env = Object.fromEntries(pairs.map(([, name = "", value]) => [name, value]));
    await run(["nack"], env);
  }
  const letters = await json(["queue", "dlq", "ls", "mail"]);
  const ids = letters.map((letter: { message_id: string }) => letter.message_id);
  expect(ids).toHaveLength(2);
  const all = ["queue", "dlq", "purge", "mail", "--all", "--dry-run"];
  expect(await json(all)).toEqual({ dry_run: true, purged: 2, message_ids: ids });
  expect(await run(all)).toBe(`would be purged: 2\n${ids.join("\n")}\n`);
  const absent = "019301d0-7a5e-7f3a-9b1c-2f9e6a0c4d11";
  const some = ["queue", "dlq", "redrive", "mail", ids[0], absent, "--dry-run"];
  expect(await json(some)).toEqual({ dry_run: true, redriven: 1, message_ids: [ids[0]] });
  expect(await json(["queue", "dlq", "ls", "mail"])).toEqual(letters);
  // Off a terminal a purge still wants to be told.
  expect((await place.run(["queue", "dlq", "purge", "mail", "--all"])).code).toBe(2);
  expect(await json(["queue", "dlq", "purge", "mail", "--all", "--yes"])).toEqual({ purged: 2 });
});

test("txn commit and rollback: who takes part, and nothing is decided", async () => {
  const env = await place.acquire(["one"]);
  await run(["update"], env, "1");
  await run(["txn", "prepare", "-p", "one"], env);
  const id = env.LOCKD_CLIENT_TXN_ID ?? "";
  const would = await json(["txn", "rollback", "--dry-run"], env);
  expect(would).toMatchObject({ dry_run: true, txn_id: id, state: "rollback", already: false });
  expect(would.participants).toEqual([{ namespace: "default", key: "one", now: "staged" }]);
  const text = await run(["txn", "commit", "--dry-run", "-p", "shop:two"], env);
  expect(text).toMatch(
    /would be decided: commit\n {2}default:one {2}staged\n {2}shop:two {2}named/,
  );
  expect((await json(["txn", "explain"], env)).state).toBe("pending");
  await run(["txn", "commit"], env);
  const late = await place.run(["txn", "rollback", "--dry-run"], { env });
  expect([late.code, late.stderr]).toEqual([4, expect.stringContaining("decided: commit")]);
  expect(await json(["txn", "commit", "--dry-run"], env)).toMatchObject({ already: true });
});

test("release: the lease, and all that shares its transaction", async () => {
  const one = await place.acquire(["rel-a"]);
  const release = (words: readonly string[], env: object) =>
    json(["release", "--dry-run", ...words], env);
  const told = { dry_run: true, released: true, held: true };
  expect(await release([], one)).toEqual({ ...told, state: "commit", participants: [] });
  const leased = [{ namespace: "default", key: "rel-a", now: "leased" }];
  const undo = { ...told, state: "rollback", participants: leased };
  expect(await release(["--rollback"], one)).toEqual(undo);
  await run(["update"], one, "1");
  const two = await place.acquire(["rel-b", "--txn-id", one.LOCKD_CLIENT_TXN_ID ?? ""]);
  await run(["update"], two, "2");
  const staged = ["rel-a", "rel-b"].map((key) => ({ namespace: "default", key, now: "staged" }));
  expect(await release([], two)).toEqual({ ...told, state: "commit", participants: staged });
  expect(await run(["release", "--dry-run", "--rollback", "-o", "text"], two)).toBe(
    "would be released: default:rel-b\n" +
      "  would be rolled back: default:rel-a  staged\n" +
      "  would be rolled back: default:rel-b  staged\n",
  );
  const comment = await run(["release", "--dry-run", "--output", "env"], two);
  expect(comment.split("\n").filter((line) => line !== "" && !line.startsWith("# "))).toEqual([]);
  const other = { ...two, LOCKD_CLIENT_TXN_ID: "9m4e2mr0ui3e8a215n50" };
  const refused = await place.run(["release", "--dry-run"], { env: other });
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("txn_mismatch")]);
  // Nothing of all that changed anything.
  expect((await json(["status", "rel-a"])).staged).toBe(true);
  await run(["release", "--yes"], two);
  expect(JSON.parse(await run(["get", "rel-a", "--public", "-q"]))).toBe(1);
  const gone = { dry_run: true, released: true, held: false, state: "commit", participants: [] };
  expect(await release([], two)).toEqual(gone);
});

test("files: a config that would be replaced, a context too", async () => {
  const file = `${place.directory}/lockd.yaml`;
  const gen = ["config", "gen", "--out", file];
  const would = { dry_run: true, wrote: file, replaced: false };
  expect(await json([...gen, "--dry-run"])).toEqual(would);
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, "listen: mine");
  expect((await place.run([...gen, "--dry-run"])).code).toBe(4);
  expect(await run([...gen, "--force", "--dry-run"])).toBe(`would replace ${file}\n`);
  expect(readFileSync(file, "utf8")).toBe("listen: mine");
  const add = ["context", "add", "c", "--store", "disk:///a"];
  expect(await run([...add, "--dry-run"])).toBe("would add context c\n");
  expect(await run(["context", "list", "--json"])).toBe("[]\n");
  expect(await run(add)).toBe("added context c\n");
  expect((await place.run([...add, "--dry-run"])).code).toBe(4);
  const again = { dry_run: true, added: "c", replaced: true, current: null };
  expect(await json([...add, "--force", "--dry-run"])).toEqual(again);
  expect(await run([...add, "--force", "--yes"])).toBe("replaced context c\n");
});

test("index rebuild: one namespace or all, told and done", async () => {
  const env = await place.acquire(["doc", "-n", "orders"]);
  await run(["update"], { ...env, LOCKD_CLIENT_NAMESPACE: "orders" }, '{"a": 1}');
  await run(["release"], { ...env, LOCKD_CLIENT_NAMESPACE: "orders" });
  const store = ["--store", place.storeUrl];
  const dry = await run(["index", "rebuild", "-n", "orders", "--dry-run", ...store]);
  expect(dry).toBe("namespace=orders would be rebuilt\n");
  expect(await run(["index", "rebuild", "--all", "--dry-run", ...store])).toContain("orders would");
  const nowhere = `${place.storeUrl}-typo`;
  const words = ["index", "rebuild", "-n", "orders", "--dry-run", "--store", nowhere];
  expect(await place.run(words)).toMatchObject({ code: 3, stdout: "" });
  expect(existsSync(nowhere.slice("disk://".length))).toBe(false);
  const done = await json(["index", "rebuild", "-n", "orders", ...store]);
  expect(done).toMatchObject({ namespace: "orders", rebuilt: true });
  const all = await run(["index", "rebuild", "--all", "--cleanup-delay", "0s", ...store]);
  expect(all).toMatch(/^namespace=orders rebuilt=true index_seq=[1-9]\d*$/m);
  const flushed = await json(["index", "flush", "-n", "orders", "--mode", "wait"]);
  expect(flushed).toMatchObject({ namespace: "orders", mode: "wait", flushed: true });
  for (const words of [[], ["-n", "orders", "--all"]]) {
    expect((await place.run(["index", "rebuild", ...words, ...store])).code).toBe(2);
  }
});
