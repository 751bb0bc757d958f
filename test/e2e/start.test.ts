/** What a start of the built program loads: of Node itself, and of its own bytecode. */
import { cpSync, globSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

const place = new Place();
afterAll(() => place.remove());

const listing = path.join(place.directory, "listing.cjs");
writeFileSync(
  listing,
  `const before = new Set(process.moduleLoadList);
  process.on("exit", () => {
    const names = process.moduleLoadList.filter((name) => !before.has(name));
    process._rawDebug("LOADED " + JSON.stringify(names.map((name) => name.split(" ").at(-1))));
  });`,
);

/** Modules of Node that these words loaded; undefined when the command failed. */
async function loadedBy(words: readonly string[]): Promise<readonly string[]> {
  const { code, stderr } = await place.run(words, { env: { NODE_OPTIONS: `-r ${listing}` } });
  expect([code, stderr]).toEqual([0, expect.stringContaining("LOADED ")]);
  return JSON.parse(stderr.slice(stderr.lastIndexOf("LOADED ") + 7)) as string[];
}

const threads = ["worker_threads", "internal/worker"];
const files = ["fs/promises", "internal/fs/promises"];

test("help loads next to nothing of Node", async () => {
  const loaded = await loadedBy(["--help"]);
  expect(loaded).toContain("vm");
  const without = ["crypto", "http", "zlib", "assert", "perf_hooks", ...threads, ...files];
  expect(loaded.filter((name) => without.includes(name))).toEqual([]);
});

test("a command that asks a server once loads neither cryptography nor file handles", async () => {
  const server = await place.serve();
  try {
    const loaded = await loadedBy(["get", "k", "--public", "-s", server.url]);
    expect(loaded).toContain("http");
    const without = ["crypto", "zlib", "https", "tls", "assert", ...threads, ...files];
    expect(loaded.filter((name) => without.includes(name))).toEqual([]);
  } finally {
    server.child.kill("SIGTERM");
    await server.ended;
  }
});

test("an inline command loads neither HTTP nor threads", async () => {
  const loaded = await loadedBy(["acquire"]);
  expect(loaded).toContain("crypto");
  const without = ["http", "_http_client", "timers/promises", ...threads, ...files];
  expect(loaded.filter((name) => without.includes(name))).toEqual([]);
});

test.runIf(process.platform === "linux")("where nothing can be made, a start ends", async () => {
  const env = { HOME: "/proc", XDG_CACHE_HOME: "/proc", NODE_DISABLE_COMPILE_CACHE: "" };
  const ends = async (words: readonly string[]): Promise<unknown> => {
    const started = place.start(words, { env });
    const timer = setTimeout(() => started.child.kill("SIGKILL"), 60_000);
    const { code, stderr } = await started.ended;
    clearTimeout(timer);
    return [code, stderr];
  };
  expect(await ends(["version"])).toEqual([0, ""]);
  const refused = expect.stringMatching(/^lockd: store_unusable: \/proc\/lockd\/store cannot be/);
  expect(await ends(["acquire", "--store", "disk:///proc/lockd/store"])).toEqual([8, refused]);
  const unwritable = expect.stringMatching(
    /^lockd: file_unwritable: \/proc\/lockd\/config.yaml cannot be written: E.*\nnext: /,
  );
  const file = ["--out", "/proc/lockd/config.yaml"];
  expect(await ends(["config", "gen", ...file])).toEqual([1, unwritable]);
});

/** Bytes of the bytecode that these words leave behind. */
async function bytecodeOf(words: readonly string[]): Promise<number> {
  const cache = path.join(place.directory, words.join("-"));
  expect(
    (await place.run(words, { env: { XDG_CACHE_HOME: cache, NODE_DISABLE_COMPILE_CACHE: "" } }))
      .code,
  ).toBe(0);
  const [file = "none", ...more] = globSync(path.join(cache, "lockd/code/*-*"));
  expect(more).toEqual([]);
  return statSync(file).size;
}

test("a command's bytecode has what it uses, not the whole program", async () => {
  // 0.1 and 0.8 MB; with every function of the program in it, half a megabyte more of each.
  expect(await bytecodeOf(["--help"])).toBeLessThan(300_000);
  expect(await bytecodeOf(["acquire"])).toBeLessThan(1_050_000);
});

test("another SQLite package than the one built with is taken as it is installed", async () => {
  const root = path.join(import.meta.dirname, "../..");
  const copy = path.join(place.directory, "copy");
  const other = path.join(copy, "node_modules/better-sqlite3");
  mkdirSync(other, { recursive: true });
  for (const name of ["bin", "package.json"]) {
    cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  }
  symlinkSync(path.join(root, "dist"), path.join(copy, "dist"));
  writeFileSync(path.join(other, "package.json"), '{"version":"0.0.1","main":"main.js"}');
  writeFileSync(path.join(other, "main.js"), 'throw new Error("this is 0.0.1");');
  const words = [process.execPath, path.join(copy, "bin/lockd.js"), "acquire"];
  const { code, stderr } = await place.runProgram(words);
  expect([code, stderr]).toEqual([1, expect.stringContaining("this is 0.0.1")]);
});
