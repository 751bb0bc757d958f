/** What is packed is what programs can import, with types. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "../..");
const directory = mkdtempSync(path.join(tmpdir(), "lockd-pack-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const program = `
import { connect, type LeaseSession, LockdError, openLockd } from "lockd";
await using lockd = await openLockd({ store: "mem://" });
const version: number = await lockd.acquireForUpdate(
  { key: "k", owner: "w", ttlMs: 10_000 },
  async (lease) => (await lease.save({ n: 1 })).newVersion,
);
const lease: LeaseSession = await lockd.acquire({ key: "k", owner: "w", ttlMs: 10_000 });
const { n } = await lease.load<{ n: number }>();
await lease.release();
let code = "";
try {
  await using nobody = connect({ endpoints: "http://127.0.0.1:1", failureRetries: 0 });
  await nobody.describe("k");
} catch (error) {
  if (error instanceof LockdError) code = error.code;
}
console.log(JSON.stringify({ version, n, code }));
`;

test("a packed lockd is imported with its types, and runs", () => {
  const npm = { cwd: root, encoding: "utf8" as const, stdio: "pipe" as const };
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", directory];
  const [packed] = JSON.parse(execFileSync("npm", pack, npm)) as {
    filename: string;
    files: { path: string }[];
  }[];
  const files = packed?.files.map((file) => file.path) ?? [];
  expect(files).toContain("oclif.manifest.json");
  expect(files).toContain("dist/index.d.ts");
  expect(files.filter((file) => /^(src|test|bench)\//.test(file))).toEqual([]);
  const place = path.join(directory, "node_modules", "lockd");
  mkdirSync(place, { recursive: true });
  const tarball = path.join(directory, packed?.filename ?? "");
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", place]);
  // Its dependencies are those installed here; fetching them again would test the network.
  symlinkSync(path.join(root, "node_modules"), path.join(place, "node_modules"));
  symlinkSync(
    path.join(root, "node_modules", "@types"),
    path.join(directory, "node_modules", "@types"),
  );
  writeFileSync(path.join(directory, "package.json"), '{"type":"module"}');
  writeFileSync(path.join(directory, "program.ts"), program);
  const options = { module: "nodenext", target: "es2024", lib: ["es2024", "esnext.disposable"] };
  const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, types: ["node"] };
  const config = {
    compilerOptions: { ...options, ...strict, skipLibCheck: true },
    files: ["program.ts"],
  };
  writeFileSync(path.join(directory, "tsconfig.json"), JSON.stringify(config));
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", directory], { stdio: "inherit" });
  const output = execFileSync(process.execPath, [
    "--no-warnings",
    path.join(directory, "program.ts"),
  ]);
  expect(JSON.parse(output.toString())).toEqual({ version: 1, n: 1, code: "transport" });
  const command = path.join(place, "bin/lockd.js");
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    version: string;
  };
  expect(execFileSync(process.execPath, [command, "version"]).toString()).toContain(version);
}, 60_000);
