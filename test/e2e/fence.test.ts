/** `lockd fence check` as commands under a lease use it. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

const lockd = `${process.execPath} ${path.join(import.meta.dirname, "../../bin/lockd.js")}`;
const fence = (...words: string[]) => place.run(["fence", "check", ...words]);

test("token and key come from the run; a stale token is exit 6 and JSON", async () => {
  const file = path.join(place.directory, "one");
  const script = `${lockd} fence check --file ${file} --json`;
  const first = await place.run(["run", "job", "--", "sh", "-c", script]);
  expect(JSON.parse(first.stdout)).toMatchObject({ token: 1, seen: null, key: "default/job" });
  const second = await place.run(["run", "job", "--", "sh", "-c", script]);
  expect(JSON.parse(second.stdout)).toMatchObject({ token: 2, seen: 1, replaced: false });
  const stale = await fence("--file", file, "--token", "1", "--json");
  expect([stale.code, stale.stdout]).toEqual([6, ""]);
  expect(JSON.parse(stale.stderr)).toMatchObject({ error: "fencing_token_stale", exit_code: 6 });
  const other = await fence("--file", file, "--token", "9", "-k", "other");
  expect([other.code, other.stderr]).toEqual([4, expect.stringContaining("fence_key_mismatch")]);
});

test("with several keys each has its own token", async () => {
  const file = path.join(place.directory, "several");
  await place.run(["run", "b", "--", "true"]);
  const script = `${lockd} fence check --file ${file} -k b --json`;
  const { stdout } = await place.run(["run", "a", "--also", "b", "--", "sh", "-c", script]);
  expect(JSON.parse(stdout)).toMatchObject({ token: 2, key: "default/b" });
});

test("new content from a file and from standard input; nothing is left beside it", async () => {
  const directory = path.join(place.directory, "config");
  const file = path.join(directory, "report");
  await place.run(["status", "k"]);
  writeFileSync(path.join(place.directory, "new"), "from a file");
  expect((await fence("--file", file, "--token", "3", "--replace", "new")).code).toBe(0);
  expect(readFileSync(file, "utf8")).toBe("from a file");
  const words = ["fence", "check", "--file", file, "--token"];
  await place.run([...words, "4", "--replace", "-"], { input: "from stdin" });
  expect(readFileSync(file, "utf8")).toBe("from stdin");
  const late = await place.run([...words, "3", "--replace", "-"], { input: "late" });
  expect([late.code, readFileSync(file, "utf8")]).toEqual([6, "from stdin"]);
  expect(readdirSync(directory).filter((name) => name.startsWith("report"))).toEqual([
    ...["report", "report.fence"],
  ]);
});

test("what is missing or impossible is said, and nothing is made", async () => {
  const file = path.join(place.directory, "none");
  for (const [words, pattern] of [
    [["--token", "1"], /--file is required/],
    [["--file", file], /--token is required \(or set LOCKD_CLIENT_FENCING_TOKEN\)/],
    [["--file", file, "--token", "0"], /--token "0" must be a whole number of at least 1/],
    [["--file", file, "--token", "1", "--replace", "/no/such"], /cannot be prepared: ENOENT/],
    [["--file", "/no/such/x", "--token", "1", "--replace", "-"], /cannot be prepared: ENOENT/],
  ] as const) {
    const { code, stderr, stdout } = await fence(...words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(pattern);
  }
  expect(readdirSync(place.directory).filter((name) => name.startsWith("none"))).toEqual([]);
  const nowhere = await fence("--file", "/no/such/directory/x", "--token", "1");
  expect([nowhere.code, nowhere.stderr]).toEqual([8, expect.stringContaining("fence_unusable")]);
});
