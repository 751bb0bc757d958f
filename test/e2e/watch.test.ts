/** `lockd watch` and `lockd top` as users run them, inline and against a server. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

let place: Place;
let url = "";
let stop: () => Promise<unknown>;
beforeAll(async () => {
  place = new Place();
  const server = await place.serve();
  url = server.url;
  stop = () => {
    server.child.kill("SIGTERM");
    return server.ended;
  };
});
afterAll(async () => {
  await stop();
  place.remove();
});

function linesOf(text: string): Record<string, unknown>[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("watch: JSON lines of a lease's life, ended by --count", async () => {
  const watch = place.start(["watch", "--prefix", "w/", "--count", "4", "--json", "-v", "-s", url]);
  await watch.says("watching");
  const env = await place.acquire(["w/a", "--owner", "me", "-s", url]);
  await place.run(["update", "-s", url], { input: '{"a":1}', env });
  await place.run(["keepalive", "--ttl", "99s", "-s", url], { env });
  await place.run(["release", "-s", url], { env });
  const { code, stdout } = await watch.ended;
  expect(code).toBe(0);
  const events = linesOf(stdout);
  expect(events.map(({ kind }) => kind)).toEqual([
    "lease_granted",
    "lease_renewed",
    "state_committed",
    "lease_released",
  ]);
  expect(events[0]).toMatchObject({ namespace: "default", key: "w/a", owner: "me" });
  expect(events[2]).toMatchObject({ version: 1, lease_id: env.LOCKD_CLIENT_LEASE });
  const after = String(events[1]?.id);
  const rest = ["watch", "--prefix", "w/", "--count", "2", "--after", after, "-s", url];
  const again = await place.run(rest);
  expect(again.code).toBe(0);
  expect(again.stdout).toMatch(/Z {2}committed {2}default\/w\/a {2}version 1 {2}me {2}token 1\n/);
  expect(again.stdout).toMatch(/Z {2}released {3}default\/w\/a {2}me {2}token 1\n$/);
});

test("watch: what is there already, and exit code 10 when too little comes in time", async () => {
  const env = await place.acquire(["v/a", "-s", url]);
  await place.run(["update", "-s", url], { input: '{"a":1}', env });
  await place.run(["release", "-s", url], { env });
  const words = ["watch", "v/a", "--from-version", "0", "--count", "2", "--for", "1s", "-s", url];
  const { code, stdout, stderr } = await place.run(words);
  expect(stdout).toContain("committed  default/v/a  version 1  (newest)");
  expect(stderr).toContain("1 of 2 events came in time");
  expect(stderr).toContain("--for of `lockd watch`");
  expect(code).toBe(10);
});

test("watch goes on when the server of the store ends, and when another one begins", async () => {
  const own = new Place();
  const first = await own.serve();
  const store = ["--store", own.storeUrl];
  const commit = async (key: string) => {
    const env = await own.acquire([key, ...store]);
    await own.run(["update", ...store], { input: "{}", env });
    await own.run(["release", ...store], { env });
  };
  await commit("r/a");
  const words = ["watch", "--prefix", "r/", "--from-version", "0", "-v", "--json", ...store];
  const watch = own.start(words);
  await watch.says("watching");
  first.child.kill("SIGTERM");
  await first.ended;
  await watch.says("watching again");
  await commit("r/b");
  const second = await own.serve();
  await commit("r/c");
  const committed = () =>
    linesOf(watch.stdout()).flatMap(({ kind, key }) => (kind === "state_committed" ? [key] : []));
  await expect.poll(committed, { timeout: 15_000 }).toEqual(["r/a", "r/b", "r/c"]);
  watch.child.kill("SIGINT");
  expect((await watch.ended).code).toBe(130);
  second.child.kill("SIGTERM");
  await second.ended;
  own.remove();
}, 60_000);

test.each([
  [["watch"]],
  [["watch", "k", "--queue", "q"]],
  [["watch", "--txn", "x", "--from-version", "0"]],
  [["top", "--refresh", "1ms"]],
])("%j is a usage error", async (words) => {
  expect((await place.run(words)).code).toBe(2);
});

test("top: one table, and the same as JSON", async () => {
  await place.acquire(["t/a", "--owner", "worker-7", "--ttl", "90s", "-s", url]);
  const words = ["top", "--once", "--filter", "worker-7", "-s", url];
  const { code, stdout } = await place.run(words);
  expect(code).toBe(0);
  const [head, counts, blank, title, row] = stdout.split("\n");
  expect(head).toMatch(/^lockd 0\.1\.0 {2}disk:\/\/\S+ {2}up \d+s$/);
  expect(counts).toMatch(/^\d+ held, 0 staged, 0 waiting$/);
  expect(blank).toBe("");
  expect(title).toMatch(/^KEY +OWNER +TOKEN +LEFT +WAIT +VER$/);
  expect(row).toMatch(/^default\/t\/a +worker-7 +1 +(1m \d\ds|\d+s) +0 +0$/);
  const asJson = await place.run([...words, "--json"]);
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    mode: "server",
    leases: [{ key: "t/a", owner: "worker-7", fencing_token: 1 }],
  });
});

test("a server counts on a listener of its own when asked to", async () => {
  const own = new Place();
  const server = await own.serve(["--metrics-listen", "127.0.0.1:0"]);
  const at = /metrics\.listening".*?"address":"(http:[^"]+)"/.exec(server.stderr())?.[1];
  const text = await (await fetch(`${at}/metrics`)).text();
  expect(text).toContain('target_info{service_name="lockd",service_version="0.1.0"} 1');
  expect(text).toContain("lockd_lease_active");
  await expect.poll(async () => (await fetch(`${at}/readyz`)).status).toBe(200);
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
  own.remove();
  const wrong = await place.run(["serve", "--store", "mem://", "--enable-profiling-metrics"]);
  expect(wrong.code).toBe(2);
});
