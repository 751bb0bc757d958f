/** Queries from the command line (cli.md sections 8 and 11; cases 32 to 35, 67, 70). */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLockd } from "../../src/index.ts";
import { Place } from "./lockd-process.ts";

let place: Place;
const big = JSON.stringify({ status: "big", text: "x".repeat(300_000) });

beforeAll(async () => {
  place = new Place();
  await using client = await openLockd({ store: place.storeUrl });
  const values: [key: string, value: unknown][] = [
    ["a-b", { status: "open", n: 1 }],
    ["a/b", { status: "open", n: 2 }],
    ["c", { status: "done", n: 3 }],
    ["z", JSON.parse(big)],
  ];
  for (const [key, value] of values) {
    const session = await client.acquire({ key, owner: "w", ttlMs: 30_000 });
    await session.saveAndRelease(value);
  }
});
afterAll(() => place.remove());

const run = (...words: string[]) => place.run(words);

describe.concurrent("query", () => {
  test("32: keys as an array or as lines; nothing is [] or nothing at all", async () => {
    expect(await run("query", "/status=open")).toMatchObject({
      code: 0,
      stdout: '["a-b","a/b"]\n',
      stderr: "",
    });
    expect((await run("query", "/status=open", "/n>1", "-o", "text")).stdout).toBe("a/b\n");
    expect((await run("query", '/a="b"')).stdout).toBe("[]\n");
    expect(await run("query", '/a="b"', "-o", "text")).toMatchObject({ code: 0, stdout: "" });
    expect((await run("client", "query", "", "-o", "text")).stdout).toBe("a-b\na/b\nc\nz\n");
  });

  test("documents, rows, and the cursor that leads on", async () => {
    const first = await run("query", "", "-d", "--limit", "2", "--print-meta");
    expect(first.stdout).toBe('{"status":"open","n":1}\n{"status":"open","n":2}\n');
    const meta = JSON.parse(first.stderr);
    expect(meta).toMatchObject({ metadata: { engine: "index" } });
    const next = await run("query", "", "-d", "--rows", "--cursor", meta.cursor);
    expect(next.stdout).toBe(
      '{"ns":"default","key":"c","ver":1,"doc":{"status":"done","n":3}}\n' +
        `{"ns":"default","key":"z","ver":1,"doc":${big}}\n`,
    );
    const keys = await run("query", "", "--print-meta", "--limit", "4");
    expect(JSON.parse(keys.stderr)).not.toHaveProperty("cursor");
  });

  test("34: a file for each document; one file for all", async () => {
    const out = path.join(place.directory, "out");
    expect(await run("query", "", "-F", out)).toMatchObject({ code: 0, stdout: "" });
    expect(readdirSync(out).sort()).toEqual(["a-b-1.json", "a-b.json", "c.json", "z.json"]);
    expect(readFileSync(path.join(out, "a-b-1.json"), "utf8")).toBe('{"status":"open","n":2}\n');
    expect(readFileSync(path.join(out, "z.json"), "utf8")).toBe(`${big}\n`);
    expect(statSync(out).mode & 0o777).toBe(0o755);
    const file = path.join(place.directory, "open.ndjson");
    await run("query", "/status=open", "-d", "-f", file);
    expect(readFileSync(file, "utf8").trim().split("\n")).toHaveLength(2);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await run("query", "/status=done", "-f", file);
    expect(readFileSync(file, "utf8")).toBe('["c"]\n');
  });

  test.each([
    [["query"], /name a selector/],
    [["query", "", "-d", "-o", "text"], /--output text/],
    [["query", "", "-F", "x", "-f", "y"], /--directory cannot be combined/],
    [["query", "", "--rows"], /--rows goes with/],
    [["query", "", "--limit", "many"], /--limit "many"/],
    [["query", "", "--engine", "tree"], /--engine/],
    [["query", "status=open"], /invalid_lql/],
    [["index", "rebuild"], /--all/],
    [["index", "rebuild", "-n", "a", "--all"], /--all/],
    [["namespace", "set", "query"], /--preferred/],
  ])("33, 35, 67: %j is a usage error", async (words, message) => {
    const { code, stdout, stderr } = await place.run(words);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(message)]);
  });

  test("what the engine refuses is exit 12, with nothing on stdout", async () => {
    const { code, stdout, stderr } = await run("query", "", "--cursor", "x", "--json");
    expect([code, stdout, JSON.parse(stderr).error]).toEqual([12, "", "invalid_cursor"]);
  });

  test("a long scan in this process is not cut short by its rests", async () => {
    const namespace = "many";
    const count = 1_500;
    const filler = "y".repeat(2_000);
    await using client = await openLockd({ store: place.storeUrl });
    const save = async (n: number): Promise<void> => {
      const session = await client.acquire({ namespace, key: `k${n}`, owner: "w", ttlMs: 30_000 });
      await session.saveAndRelease({ filler, n });
    };
    for (let n = 0; n < count; n += 300) {
      await Promise.all(Array.from({ length: 300 }, (_, i) => save(n + i)));
    }
    await run("namespace", "set", "query", "-n", namespace, "--preferred", "scan");
    const last = await run("query", "/n=999", "-n", namespace, "-o", "text", "--print-meta");
    expect(last.stdout).toBe("k999\n");
    expect(JSON.parse(last.stderr).metadata.query_candidates_seen).toBe(String(count));
    const found = await run("query", "/n>=1499", "-n", namespace, "-d", "--rows");
    expect(JSON.parse(found.stdout)).toMatchObject({ key: "k1499" });
  }, 60_000);

  test("70: a reader that leaves early ends it quietly", async () => {
    const { child, ended } = place.start(["query", "", "-d"]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });
});

test("without a server, what was committed is found by the next query", async () => {
  for (const n of [1, 2]) {
    const words = ["sh", "-c", `echo '{"fresh":${n}}' >fresh.json; ${"$LOCKD"} update fresh.json`];
    const env = { LOCKD: place.command };
    expect((await place.run(["run", "-n", "fresh", "k", "--", ...words], { env })).code).toBe(0);
    expect((await run("query", `/fresh=${n}`, "-n", "fresh")).stdout).toBe('["k"]\n');
    // Without an index at all, every document is a candidate.
    await run("index", "flush", "-n", "fresh", "--mode", "wait");
  }
});

test("77: what a killed server had committed is found", async () => {
  const server = await place.serve();
  const lease = await place.acquire(["-s", server.url, "-n", "killed", "doc"]);
  await place.run(["update"], { env: lease, input: '{"s":"kept"}' });
  await place.run(["release"], { env: lease });
  server.child.kill("SIGKILL");
  await server.ended;
  const words = ["query", "/s=kept", "-n", "killed", "--refresh", "wait_for"];
  expect((await run(...words)).stdout).toBe('["doc"]\n');
});

describe("namespace and index", () => {
  test("get, set with a condition, and the short form", async () => {
    const unset = JSON.parse((await run("ns", "get", "-n", "cfg")).stdout);
    expect(unset).toEqual({
      namespace: "cfg",
      query: { preferred_engine: "index", fallback_engine: "none" },
    });
    const set = await run("namespace", "set", "query", "-n", "cfg", "--fallback", "scan");
    const { etag, query } = JSON.parse(set.stdout);
    expect(query).toEqual({ preferred_engine: "index", fallback_engine: "scan" });
    const text = await run("namespace", "get", "-n", "cfg", "-o", "text");
    expect(text.stdout).toBe(
      "Namespace: cfg\nPreferred query engine: index\n" +
        `Fallback query engine: scan\nETag: ${etag}\n`,
    );
    const stale = ["namespace", "set", "query", "-n", "cfg", "--preferred", "scan"];
    expect((await run(...stale, "--if-match", "other")).code).toBe(4);
    expect((await run(...stale, "--if-match", etag)).code).toBe(0);
  });

  test("through a server: the same words, the same answers", async () => {
    const server = await place.serve();
    try {
      const through = ["-s", server.url];
      expect((await run(...through, "query", "/n>=3", "-o", "text")).stdout).toBe("c\n");
      expect((await run("query", "/n>=3", "-d")).stdout).toBe('{"status":"done","n":3}\n');
      const documents = await run(...through, "query", "/status=big", "-d");
      expect(documents.stdout).toBe(`${big}\n`);
      expect((await run(...through, "-v", "namespace", "get")).code).toBe(0);
    } finally {
      server.child.kill("SIGTERM");
      await server.ended;
    }
  });
});
