/** Bytecode kept between runs: used when it is ours and fits, harmless otherwise. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const loader = path.join(import.meta.dirname, "../../bin/load-program.cjs");
const script = `
  const { loadProgram } = require(process.env.LOADER);
  const words = process.argv.slice(1);
  const { program, keep } = loadProgram(process.env.ROOT, words);
  program.launch(words);
  keep();
`;

let place: string;
beforeEach(() => {
  place = mkdtempSync(path.join(tmpdir(), "lockd-code-"));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function build(answer: string, sum: string): void {
  mkdirSync(path.join(place, "dist"), { recursive: true });
  const source =
    `exports.launch = (words) => { console.log("${answer}", require("node:path").sep, ...words);` +
    ` process.exitCode = words.includes("fail") ? 3 : 0; };\n//# lockd-build ${sum}\n`;
  writeFileSync(path.join(place, "dist", "launch.cjs"), source);
}

function run(words: readonly string[], cache = path.join(place, "cache")): string {
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", script, "--", ...words], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, XDG_CACHE_HOME: cache, LOADER: loader, ROOT: place },
  });
  return (stdout + stderr).trim();
}

/** A place where no cache can be: the program runs all the same, says nothing of it, and ends. */
function runIn(env: Readonly<Record<string, string>>): string {
  const { stdout, stderr, signal } = spawnSync(process.execPath, ["-e", script, "--", "get"], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, LOADER: loader, ROOT: place, ...env },
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  return `${stdout}${stderr}${signal ?? ""}`;
}

function kept(): string[] {
  try {
    const names = readdirSync(path.join(place, "cache", "lockd", "code"));
    return names.filter((name) => name !== "node").sort();
  } catch {
    return [];
  }
}

const only = (): string => path.join(place, "cache", "lockd", "code", kept()[0] ?? "none");

test("the second run of a command takes what the first one kept", () => {
  build("one", "00000000000000a1");
  expect(run(["get", "k"])).toBe("one / get k");
  expect(kept()).toEqual([expect.stringMatching(/^00000000000000a1-v.*-get$/)]);
  const { ino, mode } = statSync(only());
  expect(mode & 0o777).toBe(0o600);
  expect(run(["get", "other"])).toBe("one / get other");
  // Refused, it would have been written anew.
  expect(statSync(only()).ino).toBe(ino);
});

test("another build of the same length does not run the old one's code", () => {
  build("one", "00000000000000a1");
  run(["get"]);
  build("two", "00000000000000a2");
  expect(run(["get"])).toBe("two / get");
  expect(run(["get"])).toBe("two / get");
});

test.each([
  ["garbage", (file: string) => writeFileSync(file, "garbage")],
  ["nothing", (file: string) => writeFileSync(file, "")],
  ["what others may write", (file: string) => chmodSync(file, 0o622)],
])("%s is not used, but replaced", (_what, spoil) => {
  build("one", "00000000000000a1");
  run(["get"]);
  const { size, ino } = statSync(only());
  spoil(only());
  expect(run(["get"])).toBe("one / get");
  const after = statSync(only());
  expect(after.ino).not.toBe(ino);
  expect(after.mode & 0o777).toBe(0o600);
  expect(Math.abs(after.size - size)).toBeLessThan(size / 2);
});

test("a failed command and a place that cannot be written keep nothing", () => {
  build("one", "00000000000000a1");
  expect(run(["get", "fail"])).toBe("one / get fail");
  expect(kept()).toEqual([]);
  const file = path.join(place, "file");
  writeFileSync(file, "");
  expect(run(["get"], file)).toBe("one / get");
  expect(run(["get"], "relative")).toBe("one / get");
  expect(readdirSync(place).sort()).toEqual(["cache", "dist", "file"]);
});

test.each(["HOME", "XDG_CACHE_HOME"])("%s may be anything at all", (variable) => {
  build("one", "00000000000000a1");
  writeFileSync(path.join(place, "file"), "");
  mkdirSync(path.join(place, "read-only"), { mode: 0o555 });
  symlinkSync("nothing", path.join(place, "dangling"));
  symlinkSync("loop", path.join(place, "loop"));
  const own = ["file", "read-only", "dangling", "loop", "file/below"];
  const places = ["", "relative", "/proc", "/proc/self", "/dev/null", "/dev/null/below"];
  for (const where of [...places, ...own.map((name) => path.join(place, name))]) {
    expect([where, runIn({ [variable]: where })]).toEqual([where, "one / get\n"]);
  }
});

test("help, and a command with a server, do not decide what is kept of the command", () => {
  build("one", "00000000000000a1");
  const uses: readonly [readonly string[], string][] = [
    [["get", "k", "--help"], "help"],
    [["--help"], "help"],
    [["get", "k"], "get"],
    [["get", "-s", "http://x"], "get-server"],
    [["get", "--server=http://x", "--", "-h"], "get-server"],
    [["run", "k", "--", "-s", "--help"], "run"],
  ];
  for (const [words, use] of uses) {
    rmSync(path.join(place, "cache"), { recursive: true, force: true });
    run(words);
    expect([words, kept()]).toEqual([
      words,
      [expect.stringMatching(RegExp(`-x64-${use}$|-arm64-${use}$`))],
    ]);
  }
});

test("odd words share a file, and old files go when there are too many", () => {
  build("one", "00000000000000a1");
  run(["../get"]);
  run(["--version"]);
  expect(kept()).toEqual([expect.stringMatching(/-other$/)]);
  const directory = path.dirname(only());
  for (let n = 0; n < 64; n += 1) writeFileSync(path.join(directory, `old-${n}`), "");
  run(["get"]);
  expect(kept()).toEqual([expect.stringMatching(/-get$/)]);
});
