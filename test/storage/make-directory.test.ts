/** Directories with what is missing above them, and an end where there can be none. */
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeDirectory } from "../../src/storage/make-directory.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(path.join(tmpdir(), "lockd-directory-"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

test("makes what is missing, and nothing when all is there", () => {
  const deep = path.join(place, "a", "b", "c");
  makeDirectory(deep, 0o700);
  makeDirectory(deep, 0o755);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
  expect(statSync(path.dirname(deep)).mode & 0o777).toBe(0o700);
  makeDirectory("/", 0o700);
});

test("a link to a directory is one; a file and a link to nothing are not", () => {
  symlinkSync(place, path.join(place, "link"));
  makeDirectory(path.join(place, "link", "a"), 0o700);
  expect(statSync(path.join(place, "a")).isDirectory()).toBe(true);
  writeFileSync(path.join(place, "file"), "");
  expect(() => makeDirectory(path.join(place, "file"), 0o700)).toThrow(/^not a directory$/);
  expect(() => makeDirectory(path.join(place, "file", "a"), 0o700)).toThrow("ENOTDIR");
  symlinkSync("nothing", path.join(place, "dangling"));
  expect(() => makeDirectory(path.join(place, "dangling", "a"), 0o700)).toThrow("EEXIST");
});

test.runIf(process.platform === "linux")("where nothing can be made it ends", () => {
  // Node's own recursive mkdir never does.
  expect(() => makeDirectory("/proc/lockd/store", 0o700)).toThrow(/ENOENT|EACCES/);
});
