/**
 * The dashboard: time to its first frame against a bare Ink program, and its CPU while nothing
 * happens. Both in a pseudo-terminal made by `script` (util-linux).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { withoutDevtools } from "../scripts/dashboard-apart.ts";
import { startLockd } from "./support/children.ts";

const rounds = Number(process.argv[2] ?? 15);
const idleSeconds = 20;
const root = path.join(import.meta.dirname, "..");
const directory = mkdtempSync(path.join(tmpdir(), "lockd-bench-tui-"));
const bare = path.join(directory, "bare.mjs");

const hello = `
  import { Text, render } from "ink";
  import { jsx } from "react/jsx-runtime";
  render(jsx(Text, { children: "hello" }), { alternateScreen: true, interactive: true });
  setTimeout(() => {}, 60_000);
`;

/** Built and started in the same way as the dashboard, so that only what it does differs. */
async function buildHello(): Promise<void> {
  await build({
    stdin: { contents: hello, resolveDir: root },
    outfile: bare,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [withoutDevtools],
    define: { "process.env.NODE_ENV": '"production"', "process.env.DEV": '"false"' },
    banner: {
      js:
        'import { createRequire as makeRequire } from "node:module";' +
        "const require = makeRequire(import.meta.url);",
    },
  });
  const start =
    'import module from "node:module"; module.enableCompileCache(process.env.CACHE);' +
    `await import(${JSON.stringify(bare)});`;
  writeFileSync(path.join(directory, "start.mjs"), start);
}

interface Shown {
  readonly ms: number;
  readonly pid: number;
  end(): Promise<void>;
}

/** Runs a command in a pseudo-terminal until the text is on its screen. */
function shown(words: readonly string[], text: string): Promise<Shown> {
  const pidFile = path.join(directory, "pid");
  const command = `stty rows 24 cols 80; echo $$ >${pidFile}; exec ${words.join(" ")}`;
  const env = { ...process.env, CACHE: path.join(directory, "cache"), LOCKD_CONFIG_DIR: directory };
  const from = performance.now();
  const child = spawn("script", ["-qfec", command, "/dev/null"], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let seen = "";
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(`ended before "${text}" was seen: ${seen}`)));
    child.stdout.on("data", (chunk: Buffer) => {
      if (seen.includes(text)) return;
      seen += chunk.toString();
      if (!seen.includes(text)) return;
      const ms = performance.now() - from;
      const pid = Number(readFileSync(pidFile, "utf8"));
      const end = async (): Promise<void> => {
        process.kill(pid, "SIGTERM");
        await ended;
      };
      resolve({ ms, pid, end });
    });
  });
}

/** User and system time of a process so far, in milliseconds. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

await buildHello();
const server = await startLockd("mem://");
const dashboard = [process.execPath, path.join(root, "bin/lockd.js"), "tui", "-s", server.url];
const programs = {
  bare: { words: [process.execPath, path.join(directory, "start.mjs")], text: "hello" },
  dashboard: { words: dashboard, text: "overview" },
  "dashboard with data": { words: dashboard, text: "live" },
};
const times: Record<string, number[]> = {};
for (let round = -2; round < rounds; round += 1) {
  for (const [name, { words, text }] of Object.entries(programs)) {
    const { ms, end } = await shown(words, text);
    await end();
    if (round >= 0) times[name] = [...(times[name] ?? []), ms];
  }
}
const base = median(times.bare ?? []);
for (const name of Object.keys(programs)) {
  const ms = median(times[name] ?? []);
  console.log(`${name}: first frame ${ms.toFixed(0)} ms, ${(ms / base).toFixed(2)} x bare Ink`);
}

const { pid, end } = await shown(dashboard, "live");
await new Promise((resolve) => setTimeout(resolve, 2_000));
const before = cpuMs(pid);
await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000));
const used = cpuMs(pid) - before;
await end();
console.log(
  `idle: ${(used / idleSeconds / 10).toFixed(2)} % CPU over ${idleSeconds} s, looking every 2 s`,
);
await server.stop();
rmSync(directory, { recursive: true, force: true });
