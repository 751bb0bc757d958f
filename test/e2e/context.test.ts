/** `lockd context`: named connection settings, and what goes before what. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 120_000 });

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const file = (): string => path.join(place.directory, "config", "contexts.json");
const storeAt = (name: string): string => `disk://${path.join(place.directory, name)}`;

async function run(words: string, env: object = {}): Promise<string> {
  const { code, stdout, stderr } = await place.run(words.split(" "), { env });
  expect([code, stderr]).toEqual([0, expect.anything()]);
  return stdout;
}

/** What the commands would use, and why. */
async function used(words: string, env: object = {}) {
  const { stdout } = await place.run(["config", "show", "--json", ...words.split(" ")], { env });
  return JSON.parse(stdout).client;
}

test("add, list, show, use and remove; the file is readable by its owner only", async () => {
  expect(await run("context list --json")).toBe("[]\n");
  expect(await run(`context add local --store ${storeAt("a")} -n shop --use`)).toBe(
    "added context local, in use\n",
  );
  await run("context add prod --server https://a:9341,https://b:9341 --timeout 5s --retries 2");
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(await run("context list")).toMatch(
    /^ +NAME.*\n\* +local .* shop\n +prod +https:.*b:9341\n$/,
  );
  expect(JSON.parse(await run("context show prod --json"))).toEqual({
    name: "prod",
    current: false,
    server: "https://a:9341,https://b:9341",
    timeout: "5s",
    retries: "2",
  });
  const again = await place.run(["context", "add", "prod", "--server", "https://c"]);
  expect([again.code, again.stderr]).toEqual([4, expect.stringContaining('"prod" exists')]);
  await run("context add prod --server https://c --force");
  expect(await run("context remove prod --dry-run")).toBe("would remove context prod\n");
  expect(await run("context list")).toContain("prod");
  await run("context use prod");
  expect(await run("context show")).toMatch(/^name +prod\ncurrent +yes\nserver +https:\/\/c\n$/);
  await run("context remove prod");
  expect(JSON.parse(readFileSync(file(), "utf8")).current).toBeUndefined();
  expect(await run("context use --none")).toBe("no context is used\n");
});

test("a context of another user's making is made private when it is written", async () => {
  await run(`context add a --store ${storeAt("a")}`);
  const { chmodSync } = await import("node:fs");
  chmodSync(file(), 0o644);
  await run(`context add b --store ${storeAt("b")}`);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test("flag before environment before context before config file", async () => {
  const config = path.join(place.directory, "config", "config.yaml");
  await run(`context add one --store ${storeAt("one")} -n first`);
  await run("context add two --server http://two:1");
  writeFileSync(config, "client:\n  server: http://config:1\n");
  expect(await used("--retries 1")).toMatchObject({ endpoints: "http://config:1" });
  await run("context use one");
  const current = { kind: "inline", storeUrl: storeAt("one"), source: "current context one" };
  expect(await used("--retries 1")).toEqual(current);
  const named = { LOCKD_CONTEXT: "two" };
  expect(await used("--retries 1", named)).toMatchObject({ source: "LOCKD_CONTEXT two" });
  const server = { ...named, LOCKD_CLIENT_SERVER: "http://env:1" };
  expect(await used("--retries 1", server)).toMatchObject({ endpoints: "http://env:1" });
  const store = { ...named, LOCKD_CLIENT_STORE: storeAt("lease") };
  expect(await used("--retries 1", store)).toMatchObject({ storeUrl: storeAt("lease") });
  expect(await used("--context one", server)).toMatchObject({ storeUrl: storeAt("one") });
  expect(await used("--context one -s http://flag:1", server)).toMatchObject({
    endpoints: "http://flag:1",
    source: "--server",
  });
});

test("commands work where the context says, in its namespace", async () => {
  await run(`context add shop --store ${storeAt("shop")} -n shop --use`);
  await run("acquire order");
  expect(await run("status order")).toContain("shop/order  HELD");
  expect(await run("status order -n other")).toContain("other/order");
  expect(await run("status order", { LOCKD_CLIENT_NAMESPACE: "env" })).toContain("env/order");
  const typed = { LOCKD_CLIENT_NAMESPACE: "env" };
  expect(await run("status order --context shop", typed)).toContain("shop/order  HELD");
  expect(await run("--context shop status order")).toContain("shop/order  HELD");
});

test("a context that is not there is refused with the nearest name", async () => {
  const none = await place.run(["status", "a", "--context", "prod"]);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("none are there yet")]);
  await run(`context add production --store ${storeAt("a")}`);
  for (const words of [
    ["status", "a", "--context", "prodution"],
    ["context", "use", "prodution"],
    ["context", "show", "prodution"],
    ["context", "remove", "prodution"],
  ]) {
    const { code, stderr, stdout } = await place.run(words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain('there is no context "prodution"; did you mean "production"?');
  }
  // What needs no connection goes on.
  const told = JSON.parse(await run("version --json"));
  expect(told.version).toContain(told.semver);
  expect(await run("version", { LOCKD_CONTEXT: "gone" })).toContain("lockd");
});

test.each([
  [["bad name", "--server", "https://a"], "no name for a context"],
  [["a"], "one of --server, --island and --store"],
  [["a", "--server", "https://a", "--store", "mem://x"], "one of --server, --island and --store"],
  [["a", "--server", "http://[::1"], "not an address"],
  [["a", "--server", "https://me:secret@host"], "must not carry a user or a password"],
  [["a", "--store", "/var/lib"], "not a store URL"],
  [["a", "--server", "https://a", "--timeout", "-5s"], "must not be negative"],
])("context add %j is refused", async (words, reason) => {
  const { code, stderr } = await place.run(["context", "add", ...words]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  expect(stderr).not.toContain("secret");
});

test("a password that was written into the file by hand is not shown", async () => {
  await run(`context add a --store ${storeAt("a")} --use`);
  writeFileSync(
    file(),
    JSON.stringify({ current: "a", contexts: { a: { server: "https://me:secret@host:1" } } }),
  );
  for (const words of ["context list", "context show", "context list --json", "config show"]) {
    const shown = await run(words);
    expect(shown).toContain("https://***@host:1");
    expect(shown).not.toContain("secret");
  }
  writeFileSync(file(), "[]");
  const broken = await place.run(["context", "list"]);
  expect([broken.code, broken.stderr]).toEqual([2, expect.stringContaining("holds no contexts")]);
});

test.each([
  ["--timeout", "-5s", "must not be negative"],
  ["--close-timeout", "-1ms", "must not be negative"],
  ["--keepalive-timeout", "99999h", "too long"],
  ["--timeout", "soon", "is not a duration"],
])("%s %s is refused with and without a server", async (flag, text, reason) => {
  for (const words of [
    ["status", "a", flag, text],
    ["status", "a", "-s", "http://127.0.0.1:1", flag, text],
    ["version", `${flag}=${text}`],
  ]) {
    const { code, stderr } = await place.run(words);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(
        `${flag} "${text}" ${reason}`.slice(0, flag.length + text.length + 3),
      ),
    ]);
    expect(stderr).toContain(reason);
  }
});

test("probes look where the context says: its namespace too", async () => {
  const store = storeAt("a");
  await run(`acquire nightly --ttl 60s --store ${store} -n shop`);
  await run(`enqueue -q jobs -d {} --store ${store} -n shop`);
  await run(`context add local --store ${store} -n shop --use`);
  expect(await run("check key nightly")).toContain("shop/nightly");
  const probe = await place.run(["check", "queue", "JOBS", "--critical", "ready=0"], {});
  expect([probe.code, probe.stdout]).toEqual([2, expect.stringContaining("shop/jobs")]);
  const wrong = await place.run(["check", "queue", "no/such queue"], {});
  expect([wrong.code, wrong.stdout]).toEqual([3, expect.stringContaining("UNKNOWN")]);
});

test("a store that is typed counts before a context of a server", async () => {
  await run("context add prod --server https://a:9341 --use");
  const store = storeAt("typed");
  expect(await used(`--store ${store}`)).toMatchObject({ kind: "inline", storeUrl: store });
  expect(await used("--store mem:// --context prod")).toMatchObject({ kind: "inline" });
  expect(await used("--timeout 5s")).toMatchObject({ kind: "server" });
});

test("no form of config show tells a password", async () => {
  await place.run(["context", "add", "x", "--server", "https://a:9341"], {});
  const env = { LOCKD_CLIENT_SERVER: "https://me:secret@b:9341" };
  for (const form of [[], ["--json"]]) {
    const { stdout } = await place.run(["config", "show", ...form], { env });
    expect(stdout).toContain("b:9341");
    expect(stdout).not.toContain("secret");
  }
});

test("the command of a run has the context that was typed for it", async () => {
  await run(`context add local --store ${storeAt("a")} -n shop`);
  const words = ["run", "--context", "local", "k", "--", "sh", "-c", "echo $LOCKD_CONTEXT"];
  expect((await place.run(words, {})).stdout).toBe("local\n");
});
