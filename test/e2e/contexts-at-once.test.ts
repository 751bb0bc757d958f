/** The file of contexts, changed by many processes at once, and after some were killed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 120_000 });

let place: Place;
let directory: string;
beforeEach(() => {
  place = new Place();
  directory = path.join(place.directory, "config");
});
afterEach(() => place.remove());

const added = (): string[] =>
  Object.keys(JSON.parse(readFileSync(path.join(directory, "contexts.json"), "utf8")).contexts);

const add = (name: string) => place.run(["context", "add", name, "--server", "https://a:9341"]);

function leaveLock(text: string, file = "contexts.json.lock"): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, file), text);
}

test("20 processes add one each: none is lost, and nothing is left behind", async () => {
  const names = Array.from({ length: 20 }, (_, at) => `c${String(at).padStart(2, "0")}`);
  const ended = await Promise.all(names.map(add));
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, ""]));
  expect(added()).toEqual(names);
  expect(readdirSync(directory)).toEqual(["contexts.json"]);
});

test("of two that add the same name one is told that it is there", async () => {
  const ended = await Promise.all(["one", "one", "one"].map(add));
  expect(ended.map(({ code }) => code).sort()).toEqual([0, 4, 4]);
  expect(added()).toEqual(["one"]);
});

test("the lock of a process that was killed is taken away at once", async () => {
  // What a process writes that dies before it can clean up: this one, seen from a dead child.
  const script = `
    const { changeAlone } = await import(process.argv[1]);
    await changeAlone(process.argv[2], () => process.kill(process.pid, "SIGKILL"));`;
  const source = path.join(import.meta.dirname, "../../src/cli/exclusive-change.ts");
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, "contexts.json");
  await place.runProgram([process.execPath, "--input-type=module", "-e", script, source, file]);
  expect(existsSync(`${file}.lock`)).toBe(true);
  const startedAt = performance.now();
  expect(await Promise.all(["a", "b", "c"].map(add))).toMatchObject([
    ...[{ code: 0 }, { code: 0 }, { code: 0 }],
  ]);
  expect(added()).toEqual(["a", "b", "c"]);
  expect(readdirSync(directory)).toEqual(["contexts.json"]);
  expect(performance.now() - startedAt).toBeLessThan(60_000);
});

test("a lock of another machine, or a torn one, is waited for and then taken away", async () => {
  for (const text of ["0123abcd 4711 99 some-id", ""]) {
    leaveLock(text);
    const startedAt = performance.now();
    expect((await add(`after-${text.length}`)).code).toBe(0);
    expect(performance.now() - startedAt).toBeGreaterThan(4_500);
  }
  expect(added()).toHaveLength(2);
});

test("what can never be had is told with the files to remove", async () => {
  leaveLock("0123abcd 4711 99 some-id");
  leaveLock("", "contexts.json.lock.break");
  const { code, stdout, stderr } = await add("never");
  expect([code, stdout]).toEqual([8, ""]);
  expect(stderr).toMatch(/^lockd: file_busy: contexts\.json\.lock and .*lock\.break in .*\n/);
  expect(stderr).toContain("next: ");
});

test("dry runs and lists look without waiting", async () => {
  expect((await add("one")).code).toBe(0);
  leaveLock("0123abcd 4711 99 some-id");
  const { code, stdout } = await place.run(["context", "remove", "one", "--dry-run"]);
  expect([code, stdout]).toEqual([0, "would remove context one\n"]);
  expect((await place.run(["context", "list"])).stdout).toContain("one");
  expect(existsSync(path.join(directory, "contexts.json.lock"))).toBe(true);
});
