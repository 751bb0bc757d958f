/** mutate, set and edit as a user meets them (cli.md 7.6 to 7.8). */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

describe.concurrent("mutate and set", () => {
  test("in place, then the three forms of output", async () => {
    const env = await place.acquire(["mutated"]);
    const run = (words: string[]) => place.run(words, { env });
    const first = await run(["mutate", "/n++,/a=1.10", '/s{/x="y z"}']);
    expect(JSON.parse(first.stdout)).toEqual({
      version: 1,
      bytes: 32,
      etag: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await run(["get", "-q", "--type", "raw"])).stdout).toBe(
      '{"n":1,"a":1.10,"s":{"x":"y z"}}\n',
    );
    const text = await run(["mutate", "/n++", "-o", "text"]);
    expect(text.stdout).toMatch(/^version: 1\nbytes: 32\netag: [0-9a-f]{64}\n$/);
    const exported = await run(["client", "mutate", "/n++", "-o", "env"]);
    expect(exported.stdout).toMatch(/^export LOCKD_CLIENT_VERSION="1"\nexport LOCKD_CLIENT_ETAG="/);
    const stale = await run(["mutate", "/n++", "--if-etag", "stale", "--json"]);
    expect([stale.code, JSON.parse(stale.stderr).error]).toEqual([4, "etag_mismatch"]);
    const wrong = await run(["mutate", "/s++"]);
    expect([wrong.code, wrong.stdout]).toEqual([12, ""]);
    expect(wrong.stderr).toMatch(/^lockd: invalid_body: \/s is not a number/);
    await run(["release"]);
    expect((await place.run(["get", "mutated", "--public", "-q", "--type", "raw"])).stdout).toBe(
      '{"n":3,"a":1.10,"s":{"x":"y z"}}\n',
    );
  });

  test("local: files, conditions, and none with --no-cas", async () => {
    const env = await place.acquire(["local"]);
    const run = (words: string[]) => place.run(words, { env });
    writeFileSync(path.join(place.directory, "note.txt"), 'a "note"\n');
    const refused = await run(["mutate", "file:/f=note.txt"]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("local files")]);
    expect((await run(["mutate", "-l", "file:/f=note.txt"])).code).toBe(0);
    expect((await run(["set", "base64file:/g=note.txt", "/n++"])).code).toBe(0);
    expect((await run(["client", "set", "/n++", "--no-cas", "--if-version", "99"])).code).toBe(0);
    expect((await run(["set", "/n++", "--if-version", "99"])).code).toBe(4);
    expect((await run(["get", "-q", "--type", "raw"])).stdout).toBe(
      '{"f":"a \\"note\\"\\n","g":"YSAibm90ZSIK","n":2}\n',
    );
    const missing = await run(["set", "file:/f=nowhere.txt"]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("cannot be read")]);
  });

  test.each([
    [["mutate", "/a"], /invalid_lql: no operator at 0 in "\/a"; write/],
    [["mutate", " "], /no mutation given/],
    [["mutate"], /no mutation given/],
    [["set", "/a=O'Brien"], /without its partner/],
    [["edit"], /no mutation given/],
    [["edit", "a=1"], /begin with/],
  ])("%j is exit 2", async (words, pattern) => {
    const env = { LOCKD_CLIENT_LEASE: "c5v9d0sl70b3m3q8ndg0", LOCKD_CLIENT_KEY: "k" };
    const { code, stdout, stderr } = await place.run(words, { env });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(pattern);
  });

  test("through a server", async () => {
    const own = new Place();
    const server = await own.serve();
    const env = await own.acquire(["k", "-s", server.url]);
    const mutated = await own.run(["mutate", "/n++"], { env });
    expect(JSON.parse(mutated.stdout)).toMatchObject({ version: 1, bytes: 7 });
    expect((await own.run(["set", "/n++"], { env })).code).toBe(0);
    expect((await own.run(["get", "-q", "--type", "raw"], { env })).stdout).toBe('{"n":2}\n');
    server.child.kill("SIGTERM");
    await server.ended;
    own.remove();
  });
});

describe.concurrent("edit", () => {
  test("stdin to stdout, pretty", async () => {
    const { stdout } = await place.run(["edit", "/n++", "rm:/x"], { input: '{"x":0,"n":1.0}' });
    expect(stdout).toBe('{\n  "n": 2\n}\n');
    expect((await place.run(["client", "edit", "/a=1"], { input: " \n" })).stdout).toBe(
      '{\n  "a": 1\n}\n',
    );
  });

  test("a file is replaced whole and keeps its mode; a new one is 0600", async () => {
    const old = path.join(place.directory, "old.json");
    writeFileSync(old, '{"keep": 1.50}', { mode: 0o644 });
    expect((await place.run(["edit", "-f", old, "/new=x"])).stdout).toBe("");
    expect(readFileSync(old, "utf8")).toBe('{\n  "keep": 1.50,\n  "new": "x"\n}\n');
    expect(statSync(old).mode & 0o777).toBe(0o644);
    const made = path.join(place.directory, "made.json");
    await place.run(["edit", "-f", made, "/a=1"]);
    expect(statSync(made).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["[1]", 2, /not one JSON object/],
    ['{"a": }', 2, /line 1, column 7/],
    ['{"n":"x"}', 12, /not a number/],
  ])("%s is refused", async (input, exit, pattern) => {
    const { code, stdout, stderr } = await place.run(["edit", "/n++"], { input });
    expect([code, stdout]).toEqual([exit, ""]);
    expect(stderr).toMatch(pattern);
  });
});
