/** The guard of a file: no older token after a newer one, also with many processes at once. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stageReplacement } from "../../../src/storage/fence/staged-replacement.ts";
import { checkFence } from "../../../src/storage/fence/token-guard.ts";

vi.setConfig({ testTimeout: 60_000 });

const now = new Date(0);
const program = path.join(import.meta.dirname, "guard-process.ts");

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "ops-fence-"));
  file = path.join(directory, "report.json");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function replaceWith(token: number, content: string) {
  const replacement = await stageReplacement(
    file,
    (async function* () {
      yield Buffer.from(content);
    })(),
  );
  return await checkFence({ file, token, replacement }, now);
}

test("a token passes when none above it was seen, and again", async () => {
  expect(await checkFence({ file, token: 5 }, now)).toMatchObject({ seen: undefined });
  expect(await checkFence({ file, token: 5 }, now)).toMatchObject({ seen: 5 });
  expect(await checkFence({ file, token: 9 }, now)).toMatchObject({ seen: 5, token: 9 });
  await expect(checkFence({ file, token: 8 }, now)).rejects.toMatchObject({
    code: "fencing_token_stale",
    message: expect.stringContaining("token 8"),
  });
  expect(await checkFence({ file, token: 9 }, now)).toMatchObject({ seen: 9 });
});

test("tokens of different keys are not compared", async () => {
  await checkFence({ file, token: 5 }, now);
  await checkFence({ file, token: 5, key: "default/a" }, now);
  const other = checkFence({ file, token: 6, key: "default/b" }, now);
  await expect(other).rejects.toMatchObject({ code: "fence_key_mismatch" });
  expect(await checkFence({ file, token: 6 }, now)).toMatchObject({ seen: 5 });
});

test("a stale holder's content does not replace a newer one's; modes stay", async () => {
  writeFileSync(file, "old", { mode: 0o640 });
  expect(await replaceWith(2, "two")).toMatchObject({ replaced: true });
  await expect(replaceWith(1, "one")).rejects.toMatchObject({ code: "fencing_token_stale" });
  expect(readFileSync(file, "utf8")).toBe("two");
  expect(statSync(file).mode & 0o777).toBe(0o640);
});

test("a newer holder that comes by between check and replacement is noticed", async () => {
  await checkFence({ file, token: 1 }, now);
  const guard = new Database(`${file}.fence`);
  // Raises the token as another process would at that very moment.
  guard.exec(
    "CREATE TRIGGER newer AFTER UPDATE ON fence WHEN NEW.token = 2 " +
      "BEGIN UPDATE fence SET token = 3; END",
  );
  guard.close();
  await expect(replaceWith(2, "two")).rejects.toMatchObject({ code: "fencing_token_stale" });
  expect(existsSync(file)).toBe(false);
});

test("all names of a file have one guard", async () => {
  writeFileSync(file, "");
  const link = path.join(directory, "link");
  symlinkSync(file, link);
  await checkFence({ file: link, token: 3 }, now);
  await expect(checkFence({ file, token: 2 }, now)).rejects.toMatchObject({
    code: "fencing_token_stale",
  });
});

test("a link to a file that is yet to be made has the guard the file will have", async () => {
  const [link, far] = [path.join(directory, "link"), path.join(directory, "far")];
  symlinkSync("report.json", link);
  symlinkSync(link, far);
  const { guard } = await checkFence({ file: far, token: 3 }, now);
  expect(guard).toBe(`${file}.fence`);
  writeFileSync(far, "made through the link");
  for (const name of [far, link, file]) {
    await expect(checkFence({ file: name, token: 2 }, now)).rejects.toMatchObject({
      code: "fencing_token_stale",
    });
  }
  const ring = path.join(directory, "ring");
  symlinkSync("ring", ring);
  await expect(checkFence({ file: ring, token: 1 }, now)).rejects.toMatchObject({
    code: "fence_unusable",
  });
});

test("what cannot be a guard is said", async () => {
  const nowhere = checkFence({ file: path.join(directory, "no", "x"), token: 1 }, now);
  await expect(nowhere).rejects.toMatchObject({ code: "fence_unusable" });
  mkdirSync(`${file}.fence`);
  await expect(checkFence({ file, token: 1 }, now)).rejects.toMatchObject({
    code: "fence_unusable",
  });
});

test("a guard in use is waited for", async () => {
  await checkFence({ file, token: 1 }, now);
  const other = new Database(`${file}.fence`);
  other.exec("BEGIN EXCLUSIVE");
  const child = start(["2"]);
  await vi.waitFor(() => expect(existsSync(`${file}.ready`)).toBe(true), 20_000);
  expect(child.exitCode).toBe(null);
  other.exec("ROLLBACK");
  other.close();
  await once(child, "exit");
  expect(child.exitCode).toBe(0);
});

function start(tokens: readonly string[]): ChildProcess {
  const stdio = ["ignore", "ignore", "inherit"] as const;
  return spawn(process.execPath, [program, file, ...tokens], { stdio: [...stdio] });
}

/** Every process writes its log line while it holds the guard: by replacing the file. */
test("ten processes with mixed tokens: the file's tokens only ever go up", async () => {
  const processes = 10;
  const rounds = 12;
  const children = Array.from({ length: processes }, (_, at) =>
    start(Array.from({ length: rounds }, (_, round) => String(1 + ((round * 7 + at * 5) % 40)))),
  );
  const seen: number[] = [];
  const watching = setInterval(() => {
    if (existsSync(file)) seen.push(Number(readFileSync(file, "utf8")));
  }, 1);
  const codes = await Promise.all(
    children.map(async (child) => (await once(child, "exit"))[0] as number),
  );
  clearInterval(watching);
  expect(codes).toEqual(codes.map(() => 0));
  expect(seen.length).toBeGreaterThan(0);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  const highest = Math.max(
    ...Array.from({ length: processes * rounds }, (_, n) => {
      const [at, round] = [Math.floor(n / rounds), n % rounds];
      return 1 + ((round * 7 + at * 5) % 40);
    }),
  );
  expect(readFileSync(file, "utf8")).toBe(String(highest));
  expect(await checkFence({ file, token: highest }, now)).toMatchObject({ seen: highest });
}, 60_000);

test("processes killed at any moment leave a guard that still works", async () => {
  for (let round = 0; round < 8; round += 1) {
    const child = start(Array.from({ length: 200 }, (_, at) => String(1 + round * 1000 + at)));
    await vi.waitFor(() => expect(existsSync(`${file}.ready`)).toBe(true), 20_000);
    await new Promise((resolve) => setTimeout(resolve, 5 + round * 7));
    child.kill("SIGKILL");
    await once(child, "exit");
    rmSync(`${file}.ready`);
    const content = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
    const { seen = 0 } = await checkFence({ file, token: 900 + round * 1000 }, now);
    expect(seen).toBeGreaterThanOrEqual(content);
  }
}, 60_000);
