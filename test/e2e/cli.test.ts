/** The command line as a user meets it (cases of cli.md that concern leases and state). */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

const xid = /^[0-9a-v]{19}[0g]$/;

describe.concurrent("inline", () => {
  test("1, 10: acquire and describe are separate processes on one store", async () => {
    const { stdout, code } = await place.run(["acquire", "-k", "a"]);
    expect(code).toBe(0);
    for (const line of stdout.trim().split("\n")) expect(line).toMatch(/^(export|unset) [A-Z_]+/);
    expect(stdout).toContain(`export LOCKD_CLIENT_STORE="${place.storeUrl}"`);
    expect(/LOCKD_CLIENT_LEASE="(.*)"/.exec(stdout)?.[1]).toMatch(xid);
    const described = await place.run(["describe", "a", "--output", "json"]);
    expect(JSON.parse(described.stdout)).toMatchObject({ key: "a", version: 0, metadata: {} });
    expect(JSON.parse(described.stdout).lease_id).toMatch(xid);
  });

  test("12, 69: busy is exit 5 with an empty stdout; errors as JSON", async () => {
    await place.run(["acquire", "busy"]);
    const refused = await place.run(["acquire", "busy", "--block", "nowait", "--json"]);
    expect([refused.code, refused.stdout]).toEqual([5, ""]);
    const error = JSON.parse(refused.stderr);
    expect(error).toMatchObject({ error: "waiting", exit_code: 5, status: 409 });
    expect(error.retry_after_seconds).toBeGreaterThan(0);
  });

  test("14, 15: create-only, and generated keys", async () => {
    await place.acquire(["made"]);
    const refused = await place.run(["acquire", "made", "--if-not-exists"]);
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("already_exists")]);
    const env = { LOCKD_CLIENT_KEY: "not-this" };
    const { stdout } = await place.run(["acquire"], { env });
    expect(stdout).toMatch(/LOCKD_CLIENT_KEY="[0-9a-f-]{36}"/);
  });

  test("16 to 20, 26, 27: the way of a state", async () => {
    const env = await place.acquire(["state", "--ttl", "60s"]);
    const run = (words: string[], input?: string) =>
      place.run(words, input === undefined ? { env } : { env, input });
    const kept = JSON.parse((await run(["keepalive", "--ttl", "1m"])).stdout);
    expect(kept.expires_at_iso).toMatch(/^\d{4}-.*Z$/);
    const updated = await run(["update"], '{"n": 1.50}');
    expect(JSON.parse(updated.stdout)).toMatchObject({ version: 1, bytes: 10 });
    expect((await run(["get", "-q"])).stdout).toBe('{\n  "n": 1.50\n}\n');
    expect((await place.run(["get", "state", "--public", "-q"])).stdout).toBe("null\n");
    const stale = await run(["update", "--if-version", "99", "--json"], "{}");
    expect(stale.code).toBe(4);
    expect(JSON.parse(stale.stderr)).toMatchObject({
      error: "version_conflict",
      current_version: 1,
    });
    const wrong = await run(["update", "--fencing-token", "9"], "{}");
    expect([wrong.code, wrong.stderr]).toEqual([6, expect.stringContaining("fencing_mismatch")]);
    expect((await run(["update", "--fencing-token", "0"], "{}")).code).toBe(2);
    const noTxn = await place.run(["release"], { env: { ...env, LOCKD_CLIENT_TXN_ID: "" } });
    expect(noTxn.code).toBe(2);
    expect(noTxn.stderr).toMatch(/--txn-id is required \(or set LOCKD_CLIENT_TXN_ID\)/);
    expect(JSON.parse((await run(["release"])).stdout)).toEqual({ released: true });
    expect((await place.run(["get", "state", "--public", "-q"])).stdout).toContain("1.50");
  });

  test("21 to 25: input and output forms", async () => {
    const env = await place.acquire(["forms"]);
    const run = (words: string[], input?: string) =>
      place.run(words, input === undefined ? { env } : { env, input });
    await run(["update"], "");
    expect((await run(["get", "-q"])).stdout).toBe("null\n");
    const yaml = path.join(place.directory, "in.yaml");
    writeFileSync(yaml, "a: 12345678901234567890\nlist:\n  - x\n  - 1.50\n");
    await run(["update", yaml]);
    expect((await run(["get", "-q", "--type", "raw"])).stdout).toBe(
      '{"a":12345678901234567890,"list":["x",1.50]}\n',
    );
    const bad = await run(["update"], '{"a": }');
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining("line 1, column 7")]);
    const out = path.join(place.directory, "out.yaml");
    const got = await run(["get", "-o", out]);
    expect(readFileSync(out, "utf8")).toContain("- x\n");
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(JSON.parse(got.stderr)).toMatchObject({ bytes: 44, version: "1" });
    const empty = await place.run(["get", "never-seen", "--public", "--require"]);
    expect([empty.code, empty.stdout]).toEqual([3, ""]);
  });

  test("11: what is exported is safe to eval", async () => {
    const { stdout } = await place.run(["acquire", "evil", "--owner", "$(touch pwned)'`"]);
    expect(stdout).toContain("LOCKD_CLIENT_OWNER='$(touch pwned)'\\''`'");
  });

  test("describe of a key never seen is exit 3; status is not", async () => {
    expect((await place.run(["describe", "unseen"])).code).toBe(3);
    const status = await place.run(["status", "unseen"]);
    expect([status.code, status.stdout]).toEqual([0, expect.stringContaining("never acquired")]);
  });
});

describe.concurrent("usage", () => {
  test.each([
    [["acqire"], /did you mean "lockd acquire"/],
    [["lock", "k"], /did you mean "lockd acquire"/],
    [["ls"], /did you mean "lockd top --once"/],
    [["status", "k", "--jsn"], /did you mean --json/],
    [["completion"], /usage: SHELL is missing: bash, zsh or fish \(see/],
    [["-z", "status"], /unknown flag -z/],
    [["status"], /--key is required \(or set LOCKD_CLIENT_KEY\)/],
    [["acquire", "--ttl", "soon"], /"soon" is not a duration/],
    [["acquire", "--inline", "--server", "x"], /--inline cannot be combined/],
    [["version", "--version", "--semver"], /: usage: --semver and --version cannot be combined \(/],
    [["attachments", "put"], /: usage: --file is required; --name is required \(see/],
    [["status", "--nope"], /: usage: unknown flag --nope \(see/],
    [["foo"], /there is no command "foo" \(/],
    [["ack"], /LOCKD_QUEUE_NAME\): take a message first with eval "\$\(lockd dequeue QUEUE\)"\n/],
    [["ack", "-q", "q"], /LOCKD_QUEUE_MESSAGE_ID\): take a message first/],
    [["queue", "dlq", "redrive", "q"], /name the messages \(lockd queue dlq ls/],
    [["acquire", "a", "b"], /Unexpected argument: b/],
    [["run", "k"], /no command to run.* lockd run k -- \.\/backup/],
    [["run", "k", "echo", "hi"], /no command to run.* lockd run k -- echo hi\n/],
    [["get", "k"], /"\$\(lockd acquire k\)", or read what everybody sees with --public/],
    [["update", "-k", "k"], /take it first with eval "\$\(lockd acquire k\)"\n/],
    [["run", "k", "--ttl", "1s", "--", "true"], /no room to renew/],
    [["serve", "--store", "s3://h/b"], /not in this version/],
    [["serve", "--store", "mem://", "--listen", "0.0.0.0:0"], /--disable-mtls/],
    [["serve", "--store", "mem://", "--max-ttl", "1s"], /below default-ttl/],
    [["serve"], /--store is required .*such as disk:/],
    [["get", "k", "--public", "-c", "/no/such/file"], /cannot be read/],
    [["status", "k", "--store", "disc:///x"], /write for example disk/],
  ])("%j is exit 2 and says why", async (words, pattern) => {
    const { code, stderr, stdout } = await place.run(words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(pattern);
  });

  test.each([
    [["context", "list"], "no contexts; make one with"],
    [["queue", "ls"], "no queue has messages"],
    [["queue", "dlq", "ls", "unused"], "no dead letters in unused"],
    [["txn", "list"], "no such transaction is recorded"],
  ])("%j: an empty list is said on stderr, stdout stays empty", async (words, said) => {
    const empty = ["--store", `disk://${place.directory}/nothing-yet`];
    const where = words[0] === "context" ? [] : empty;
    const { code, stderr, stdout } = await place.run([...words, ...where]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain(said);
  });

  test("9: nothing at all prints help on stderr and is exit 2", async () => {
    const { code, stderr, stdout } = await place.run([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("USAGE");
    expect(stderr).toContain("BEGIN WITH\n  $ lockd run nightly");
  });

  test("63: version", async () => {
    expect((await place.run(["version"])).stdout).toMatch(/^pkt\.systems\/lockd \S+\n$/);
    expect((await place.run(["version", "--semver"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const asJson = await place.run(["version", "--json"]);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      semver: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });

  test("57 to 59: the generated configuration loads unchanged", async () => {
    const file = path.join(place.directory, "generated.yaml");
    const written = await place.run(["config", "gen", "--out", file]);
    expect(written.stdout).toContain("wrote default config");
    expect((await place.run(["config", "gen", "--out", file])).code).toBe(4);
    expect((await place.run(["config", "gen", "--out", file, "--force"])).code).toBe(0);
    const { stdout } = await place.run(["config", "gen", "--stdout", "--json"]);
    const { parse } = await import("yaml");
    // What has no default is in the file as a comment.
    const given = Object.entries(JSON.parse(stdout)).filter(([, value]) => value !== "");
    expect(Object.fromEntries(given)).toEqual(parse(readFileSync(file, "utf8")));
    expect(JSON.parse(stdout)).toMatchObject({ store: "", "disable-mtls": false });
    const shown = await place.run(["config", "show", "-c", file, "--json"]);
    expect(JSON.parse(shown.stdout).server["max-ttl"]).toEqual({ text: "30m", source: "file" });
  });

  test.skipIf(!existsSync("/dev/full"))("a full disk behind stdout is an error in words", () => {
    const words = [path.join(import.meta.dirname, "../../bin/lockd.js"), "config", "show"];
    const full = openSync("/dev/full", "w");
    const ended = spawnSync(process.execPath, words, {
      env: place.env,
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(/^lockd: output_failed: the result could not be written: ENOSPC/);
    expect(ended.stderr).not.toContain("    at ");
  });

  test("61, 62: verify store", async () => {
    const own = new Place();
    await own.acquire(["something-stored"]);
    const good = await own.run(["verify", "store", "--store", own.storeUrl]);
    own.remove();
    expect([good.code, good.stdout]).toEqual([
      0,
      expect.stringContaining("verification succeeded"),
    ]);
    const mem = await place.run(["verify", "store", "--store", "mem://"]);
    expect([mem.code, mem.stdout]).toEqual([0, expect.stringContaining("not implemented")]);
    const file = path.join(place.directory, "a-file");
    writeFileSync(file, "");
    const bad = await place.run(["verify", "store", "--store", `disk://${file}`]);
    expect([bad.code, bad.stdout]).toEqual([11, expect.stringContaining("✘ RootExists")]);
  });
});

describe("served", () => {
  test("3, 5, 66: inline commands find the server; SIGTERM is a clean end", async () => {
    const own = new Place();
    const server = await own.serve();
    const env = { LOCKD_CLIENT_SERVER: "http://[::1" };
    const through = await own.run(["acquire", "k", "-s", server.url, "--json"], { env });
    expect(through.code).toBe(0);
    const status = await own.run(["status", "k", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({ held: true, waiters: 0 });
    const lease = JSON.parse(through.stdout);
    const ids = ["--lease", lease.lease_id, "--fencing-token", "1", "--txn-id", lease.txn_id];
    await own.run(["release", "k", ...ids, "--inline"], { env });
    server.child.kill("SIGTERM");
    const { code, stderr } = await server.ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining("shutdown.drain.complete")]);
    const first = JSON.parse(stderr.split("\n")[0] ?? "");
    expect(Object.keys(first).slice(0, 3)).toEqual(["ts", "lvl", "msg"]);
    expect(first.msg).toMatch(/^welcome to lockd /);
    expect(JSON.parse((await own.run(["status", "k", "--json"])).stdout).held).toBe(false);
    own.remove();
  });

  test("8, 49: a bare server start; endpoints that are down are all named", async () => {
    const own = new Place();
    const words = ["--store", "mem://", "--listen", "127.0.0.1:0", "--disable-mtls"];
    const server = own.start([...words, "--disable-storage-encryption"]);
    await server.says("listening");
    server.child.kill("SIGINT");
    expect((await server.ended).code).toBe(0);
    const down = ["-s", "http://127.0.0.1:1,http://127.0.0.1:2", "--retries", "-1"];
    const refused = await own.run([...down, "get", "k", "--public"]);
    expect(refused.code).toBe(8);
    expect(refused.stderr).toMatch(
      /127\.0\.0\.1:1.*127\.0\.0\.1:2|127\.0\.0\.1:2.*127\.0\.0\.1:1/s,
    );
    own.remove();
  });

  test("60: flag over environment over file", async () => {
    const own = new Place();
    const directory = path.join(own.directory, "config");
    mkdirSync(directory);
    writeFileSync(path.join(directory, "config.yaml"), "listen: 127.0.0.3:1\ncolour: blue\n");
    const read = async (env: object) => {
      const { stdout } = await own.run(["config", "show", "--json"], { env });
      return JSON.parse(stdout).server.listen;
    };
    expect(await read({})).toEqual({ text: "127.0.0.3:1", source: "file" });
    const env = { LOCKD_LISTEN: "127.0.0.4:1" };
    expect(await read(env)).toEqual({ text: "127.0.0.4:1", source: "env" });
    own.remove();
  });
});
