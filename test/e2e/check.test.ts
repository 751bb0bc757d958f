/** The probes against a real store and server. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 90_000 });

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

const check = (...words: string[]) => tell(["check", ...words]);

const tell = async (words: string[]) => {
  const { code, stdout, stderr } = await place.run(words);
  expect([stderr, stdout.trim().split("\n").length]).toEqual([
    "",
    words.includes("--json") ? expect.any(Number) : 1,
  ]);
  return { code, stdout };
};

test("a key: held, by whom, for how long, and free", async () => {
  expect(await tell(["check", "key", "k", "--expect", "held"])).toMatchObject({
    code: 2,
    stdout: expect.stringMatching(/^LOCKD KEY CRITICAL - default\/k: nobody holds it; free \| /),
  });
  await place.acquire(["k", "--owner", "web-1", "--ttl", "5m"]);
  const fine = await check("key", "k", "--expect", "held", "--owner", "web-*", "--critical", "600");
  expect(fine.code).toBe(0);
  expect(fine.stdout).toMatch(
    /^LOCKD KEY OK - default\/k: held by web-1 for \d+s \| held-for=[\d.]+s;;600;0 remaining=/,
  );
  expect((await check("key", "k", "--owner", "web-2")).code).toBe(2);
  expect((await check("key", "k", "--expect", "free")).code).toBe(2);
  expect((await check("key", "k", "--warning", "remaining=1000:")).code).toBe(1);
});

test("a queue: ready, dead, and one nobody has used", async () => {
  expect((await check("queue", "unused", "--critical", "0")).code).toBe(0);
  for (const payload of ["a", "b"]) await place.run(["enqueue", "jobs", "-d", payload]);
  const told = await check("queue", "jobs", "--warning", "1", "--critical", "dead=0", "--json");
  expect(told.code).toBe(1);
  expect(JSON.parse(told.stdout)).toMatchObject({
    check: "queue",
    status: "warning",
    exit_code: 1,
    metrics: [{ name: "ready", value: 2, warning: "1", status: "warning" }, {}, {}, {}, {}],
  });
  await place.run(["dequeue", "jobs"]);
  expect((await check("queue", "jobs", "--critical", "in-flight=0")).code).toBe(2);
  expect((await check("queue", "mail", "--critical", "dead=0")).code).toBe(0);
  await place.run(["enqueue", "mail", "-d", "a", "--max-attempts", "1"]);
  const { stdout } = await place.run(["dequeue", "mail"]);
  const pairs = [...stdout.matchAll(/^export ([A-Z_]+)="(.*)"$/gm)];
  const env = Object.fromEntries(pairs.map(([, name = "", value]) => [name, value]));
  expect((await place.run(["nack"], { env })).code).toBe(0);
  const dead = await check("queue", "mail", "--critical", "dead=0");
  expect([dead.code, dead.stdout]).toEqual([2, expect.stringContaining("dead=1")]);
});

test("transactions: none, and one that is pending", async () => {
  expect((await check("txn")).stdout).toMatch(
    /^LOCKD TXN OK - transactions: 0 pending, 0 in doubt/,
  );
  await place.run(["txn", "prepare", "c5v9d0sl70b3m3q8ndg0", "-p", "some-key"]);
  expect((await tell(["check", "txn", "--critical", "pending=0"])).code).toBe(2);
});

test("a server: latency, and that it can write; gone is CRITICAL", async () => {
  const own = new Place();
  try {
    const server = await own.serve();
    const words = ["check", "server", "-s", server.url, "--critical", "60000"];
    const fine = await own.run(words);
    expect([fine.code, fine.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^LOCKD SERVER OK - lockd .* up .*: it answers in .* \| latency=[\d.]+ms/,
      ),
    ]);
    expect((await own.run([...words, "--write"])).stdout).toContain("a lease was taken");
    expect((await own.run(["check", "server", "--write", "--warning", "@0:60000"])).code).toBe(1);
    server.child.kill("SIGKILL");
    await server.ended;
    const gone = await own.run(words);
    expect([gone.code, gone.stdout]).toEqual([
      2,
      expect.stringMatching(/^LOCKD SERVER CRITICAL - transport: /),
    ]);
    const other = await own.run(["check", "queue", "jobs", "-s", server.url]);
    expect([other.code, other.stdout]).toEqual([
      3,
      expect.stringMatching(/^LOCKD QUEUE UNKNOWN - /),
    ]);
  } finally {
    own.remove();
  }
});

test("a wrong command line is UNKNOWN, never a verdict", async () => {
  for (const words of [["queue"], ["queue", "j", "--warning", "x"], ["key", "k", "--nope"]]) {
    const { code, stdout } = await check(...words);
    expect([code, stdout]).toEqual([3, expect.stringMatching(/ UNKNOWN - usage: /)]);
  }
});
