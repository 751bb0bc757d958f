/** Nothing heavy is loaded by a command that does not need it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "../..");
const directory = mkdtempSync(path.join(tmpdir(), "lockd-loading-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const script = `
  import { registerHooks } from "node:module";
  const seen = [];
  registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
  process.on("exit", () => process.stderr.write("LOADED " + seen.join(" ")));
  const { launch } = await import(process.env.LAUNCH);
  await launch(JSON.parse(process.env.WORDS), process.env.ROOT);
`;

const nodeWords = ["--no-warnings", "--input-type=module", "-e", script];

function environment(words: readonly string[]): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LOCKD_CONFIG_DIR: directory,
    LAUNCH: path.join(root, "src/cli/launch.ts"),
    WORDS: JSON.stringify(words),
    ROOT: root,
  };
}

function loadedFiles(stderr: string): readonly string[] {
  const at = stderr.lastIndexOf("LOADED ");
  if (at === -1) throw new Error(`lockd did not tell what it loaded: ${stderr}`);
  return stderr.slice(at + 7).split(" ");
}

/** Files loaded while lockd ran with these words. */
function loadedBy(words: readonly string[]): readonly string[] {
  const env = environment(words);
  const { stderr } = spawnSync(process.execPath, nodeWords, { env, encoding: "utf8" });
  return loadedFiles(stderr);
}

/** Files loaded by a server until it was ended, which happens as soon as it listens. */
async function loadedByServer(words: readonly string[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, nodeWords, { env: environment(words) });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (!stderr.includes('"listening"') && text.includes('"listening"')) child.kill("SIGTERM");
    stderr += text;
  });
  await once(child, "close");
  return loadedFiles(stderr);
}

const engine = /src\/(engine\/(?!ports|limits)|storage\/)|better-sqlite3/;
const screen = /node_modules\/(ink|react|yoga-layout)|\.tsx$/;
const rest = /src\/server|node_modules\/(pino|yaml|typescript|undici|prom-client|@opentelemetry)/;

test("a command against a server loads neither engine nor store", () => {
  const files = loadedBy(["status", "k", "-s", "http://127.0.0.1:1", "--retries", "-1"]);
  expect(files.some((file) => file.includes("node-dispatcher"))).toBe(true);
  expect(files.filter((file) => [engine, rest, screen].some((one) => one.test(file)))).toEqual([]);
});

test("an inline command loads no HTTP library while nobody owns the store", () => {
  const files = loadedBy(["status", "k"]);
  expect(files.some((file) => file.includes("better-sqlite3"))).toBe(true);
  expect(files.filter((file) => rest.test(file) || file.includes("node-dispatcher"))).toEqual([]);
});

test("one frame without a terminal loads neither Ink nor React", () => {
  const files = loadedBy(["tui", "--once"]);
  expect(files.some((file) => file.includes("src/tui/once"))).toBe(true);
  expect(files.filter((file) => screen.test(file))).toEqual([]);
});

test("a server that nobody observes loads neither metrics nor traces", async () => {
  const files = await loadedByServer(["serve", "--store", "mem://", "--listen", "127.0.0.1:0"]);
  expect(files.some((file) => file.includes("src/server/server"))).toBe(true);
  const parts = [/prom-client|@opentelemetry/, /src\/server\/(metrics|observe)/, /otlp\/open/];
  expect(files.filter((file) => parts.some((part) => part.test(file)))).toEqual([]);
}, 60_000);

test("help, version and usage errors load nothing of either", () => {
  const help = [["--help"], ["acquire", "--help"]];
  for (const words of [...help, ["version"], ["status", "--nope"], ["acquire", "--ttl", "x"]]) {
    const files = loadedBy(words);
    const more = /undici|src\/(local|client|tui)\//;
    const heavy = files.filter(
      (file) => engine.test(file) || rest.test(file) || screen.test(file) || more.test(file),
    );
    expect(heavy).toEqual([]);
  }
});
