/** What `-o FILE` and its like leave behind: the whole of it, or what was there. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { replaceFile } from "../../src/cli/replace-file.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(path.join(tmpdir(), "lockd-replace-"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const at = (name: string): string => path.join(place, name);

test("a new file is for its owner alone, an old one keeps its mode", async () => {
  await replaceFile(at("new"), "one");
  expect(statSync(at("new")).mode & 0o777).toBe(0o600);
  chmodSync(at("new"), 0o640);
  await replaceFile(at("new"), Buffer.from("two"));
  expect(statSync(at("new")).mode & 0o777).toBe(0o640);
  expect(readFileSync(at("new"), "utf8")).toBe("two");
});

test("a content that breaks off, and a change of mind, leave what was there", async () => {
  writeFileSync(at("file"), "old");
  const broken = (async function* () {
    yield "half";
    await Promise.resolve();
    throw new Error("the line broke");
  })();
  await expect(replaceFile(at("file"), broken)).rejects.toThrow("the line broke");
  const beforeCommit = (): never => {
    throw new Error("not mine any more");
  };
  await expect(replaceFile(at("file"), "new", { beforeCommit })).rejects.toThrow("not mine");
  expect(readFileSync(at("file"), "utf8")).toBe("old");
  expect(readdirSync(place)).toEqual(["file"]);
});

test("a link stays a link: the file it names is replaced", async () => {
  mkdirSync(at("elsewhere"));
  writeFileSync(at("elsewhere/file"), "old");
  symlinkSync("elsewhere/file", at("link"));
  await replaceFile(at("link"), "new");
  expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
  expect(readFileSync(at("elsewhere/file"), "utf8")).toBe("new");
  expect(readdirSync(at("elsewhere"))).toEqual(["file"]);
});

test("what is no file is written where it is, not replaced by a file", async () => {
  // By a link of our own, so that not even the broken code can harm the machine's /dev/null.
  symlinkSync("/dev/null", at("null"));
  await replaceFile(at("null"), "nothing");
  expect(lstatSync(at("null")).isSymbolicLink()).toBe(true);
  expect(readdirSync(place)).toEqual(["null"]);
});

test.each([
  ["in no directory", "missing/file", "ENOENT: no such file or directory"],
  ["below a file", "plain/file", "ENOTDIR: not a directory"],
  ["a directory", "folder", "EISDIR: illegal operation on a directory"],
])("%s: the error names the file that was asked for", async (_what, name, reason) => {
  writeFileSync(at("plain"), "");
  mkdirSync(at("folder"));
  await expect(replaceFile(at(name), "x")).rejects.toMatchObject({
    code: "file_unwritable",
    detail: `${at(name)} cannot be written: ${reason}`,
  });
  expect(readdirSync(place).sort()).toEqual(["folder", "plain"]);
});
