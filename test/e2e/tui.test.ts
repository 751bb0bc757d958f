/** The dashboard of the built program, over a real server, in a real terminal. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Terminal, tmuxVersion } from "../tui/support/tmux.ts";
import { Place, type Started } from "./lockd-process.ts";

const root = path.join(import.meta.dirname, "../..");
const program = path.join(root, "bin/lockd.js");

let place: Place;
const open: Terminal[] = [];
const servers: Started[] = [];

beforeEach(() => {
  place = new Place();
});
afterEach(async () => {
  for (const terminal of open.splice(0)) terminal.close();
  for (const { child, ended } of servers.splice(0)) {
    child.kill("SIGTERM");
    await ended;
  }
  place.remove();
});

async function served(): Promise<Started & { readonly url: string }> {
  const server = await place.serve(["--drain-grace", "0s"]);
  servers.push(server);
  return server;
}

function terminal(words: string): Terminal {
  const env = `LOCKD_CONFIG_DIR=${path.join(place.directory, "config")}`;
  const command = `${env} ${process.execPath} ${program} ${words}; echo "ended with $?"; cat`;
  const one = new Terminal(command, { columns: 100, rows: 24 });
  open.push(one);
  return one;
}

describe("without a terminal", () => {
  test("the dashboard is refused with exit code 2 and says what to do (case 68)", async () => {
    for (const words of [["tui"], ["dev"]]) {
      const { code, stdout, stderr } = await place.run(words);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain("needs a terminal");
    }
  });

  test("--once prints one frame, as text and as JSON, inline and over HTTP", async () => {
    const inline = await place.run(["tui", "--once"]);
    expect(inline.code).toBe(0);
    for (const word of ["LEASES", "QUEUES", "TRANSACTIONS", "local mode"]) {
      expect(inline.stdout).toContain(word);
    }
    expect(inline.stdout).not.toContain("\u001b");
    // As after `eval "$(lockd acquire -n orders k)"`.
    const env = { LOCKD_CLIENT_NAMESPACE: "orders" };
    expect(await place.run(["tui", "--once"], { env })).toMatchObject({ code: 0, stderr: "" });
    const { url } = await served();
    for (const words of [["--output", "json"], ["--json"]]) {
      const { code, stdout } = await place.run(["tui", "--once", "-s", url, ...words]);
      expect(code).toBe(0);
      const answer = JSON.parse(stdout) as Record<string, unknown>;
      expect(answer).toMatchObject({ server: url, qrf_state: "disengaged", tc: { mode: "local" } });
      for (const name of ["leases", "queues", "txns"]) expect(answer[name]).toBeInstanceOf(Array);
    }
  });

  test("--each looks at every server by itself and says which one is not there", async () => {
    const { url } = await served();
    const both = `${url},http://127.0.0.1:1`;
    const { code, stdout } = await place.run(["tui", "--once", "--each", "-s", both, "--json"]);
    expect(code).toBe(0);
    const { servers: all } = JSON.parse(stdout) as { servers: Record<string, unknown>[] };
    expect(all.map(({ server }) => server)).toEqual([url, "http://127.0.0.1:1"]);
    expect(all[1]?.error).toBe("transport");
    const none = await place.run(["tui", "--once", "-s", "http://127.0.0.1:1"]);
    expect([none.code, none.stdout]).toEqual([8, ""]);
    expect(none.stderr).toContain("transport");
  });

  test("--all-islands takes the servers of the config file", async () => {
    const { url } = await served();
    const config = path.join(place.directory, "islands.yaml");
    const { writeFileSync } = await import("node:fs");
    writeFileSync(config, `client:\n  islands:\n    east:\n      server: ${url}\n`);
    const words = ["tui", "--once", "--json", "--all-islands", "-c", config];
    const { stdout } = await place.run(words);
    expect(JSON.parse(stdout)).toMatchObject({ server: "east", mode: "server" });
    const missing = await place.run(["tui", "--once", "--all-islands"]);
    expect(missing.code).toBe(2);
  });

  test.each([
    ["--refresh", "100ms"],
    ["--refresh", "fast"],
    ["--write", "--readonly"],
  ])("%s %s is a usage error", async (...words) => {
    const { code, stderr } = await place.run(["tui", "--once", ...words]);
    expect(code).toBe(2);
    expect(stderr).toContain(words[0]);
  });

  test("dev --no-tui serves from memory until it is told to end", async () => {
    const started = place.start(["dev", "--no-tui", "--listen", "127.0.0.1:0"]);
    servers.push(started);
    await started.says("listening");
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(started.stderr())?.[0] ?? "";
    expect((await place.run(["acquire", "k", "-s", url])).code).toBe(0);
    started.child.kill("SIGTERM");
    expect((await started.ended).code).toBe(0);
  });
});

test("what draws the dashboard is in a file of its own", () => {
  const launch = readFileSync(path.join(root, "dist/launch.cjs"), "utf8");
  expect(launch).not.toContain("yoga");
  expect(launch).not.toContain("react.element");
  expect(existsSync(path.join(root, "dist/dashboard.js"))).toBe(true);
});

describe.skipIf(tmuxVersion() === undefined)("in a terminal", () => {
  test("a server that goes away is said to be gone, and is back when it is", async () => {
    const first = await served();
    const address = new URL(first.url).host;
    const one = terminal(`tui -s ${first.url} --refresh 250ms`);
    await one.shows("live");
    servers.pop();
    first.child.kill("SIGTERM");
    await first.ended;
    await one.shows("not reachable", "old");
    const again = place.start(["serve", "--store", place.storeUrl, "--listen", address]);
    servers.push(again);
    await again.says('"network":"tcp"');
    await one.shows(" live");
    one.press("q");
    await one.shows("ended with 0");
  });

  test("any key, held or not, with its state", async () => {
    const { url } = await served();
    const lease = await place.acquire(["orders", "-s", url, "--owner", "web-7"]);
    await place.run(["update"], { input: '{"step":2}', env: lease });
    await place.run(["release"], { env: lease });
    const one = terminal(`tui -s ${url}`);
    await one.shows("live");
    one.type(":key orders");
    one.press("Enter");
    const screen = await one.shows("committed state");
    expect(screen).toContain('"step": 2');
    expect(screen).toMatch(/held by +nobody/);
  });

  test("who holds a key, and that it is taken away with --write", async () => {
    const { url } = await served();
    const first = await place.acquire(["orders", "-s", url, "--owner", "web-7"]);
    await place.run(["update"], { input: '{"step":2}', env: first });
    await place.run(["release"], { env: first });
    await place.acquire(["orders", "-s", url, "--owner", "web-8", "--ttl", "5m"]);
    const one = terminal(`tui -s ${url} --refresh 250ms --write`);
    await one.shows("live");
    one.press("2");
    const screen = await one.shows("default/orders", "web-8");
    expect(screen).toMatch(/web-8 +2 /);
    one.press("R");
    await one.shows("away from web-8 (token 2)?");
    one.type("yes");
    one.press("Enter");
    await one.shows("no key is held");
    one.press("6");
    await one.shows("lease released");
    const status = await place.run(["status", "orders", "-s", url, "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({ held: false, version: 1 });
  });

  test("dev shows its server, which others reach, and ends with the dashboard", async () => {
    const one = terminal("dev --listen 127.0.0.1:0");
    const screen = await one.shows("live");
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(screen)?.[0] ?? "";
    expect(screen).toContain("WRITE");
    expect((await place.run(["acquire", "k", "-s", url])).code).toBe(0);
    one.press("q");
    await one.shows("ended with 0");
    expect((await place.run(["status", "k", "-s", url, "--retries", "-1"])).code).toBe(8);
  });

  test("inline, on the store of this machine", async () => {
    const one = terminal("tui");
    await one.shows("inline", "live");
    one.press("C-c");
    await one.shows("ended with 0");
  });
});
