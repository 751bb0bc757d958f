/**
 * A terminal session in a home directory of its own: shell blocks run one after the other in one
 * shell, and what each printed is kept apart. Docs show what was recorded here, so they cannot say
 * anything that lockd does not do.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { normalised } from "./normalise.ts";

const root = path.join(import.meta.dirname, "..", "..");

/** Many short processes; a machine under full load needs a minute and more. */
export const sessionMsMax = 180_000;

/** Stands in front of each block's output; no program of ours prints it. */
const separator = "\x1e";

/** Where `lockd` is the built program, for scripts that call it by its name. */
export function placeLockd(directory: string): void {
  const program = path.join(root, "bin", "lockd.js");
  if (!existsSync(path.join(root, "dist", "launch.cjs"))) {
    throw new Error("run `npm run build` first: sessions are recorded with the built program");
  }
  mkdirSync(directory, { recursive: true });
  const script = `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`;
  writeFileSync(path.join(directory, "lockd"), script, { mode: 0o755 });
}

/** Nothing of the caller's lockd, and its own bytecode cache so that starts stay quick. */
export function ownEnvironment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(LOCKD_|NO_COLOR)/.test(name));
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    PATH: `${path.join(home, "bin")}${path.delimiter}${process.env.PATH ?? ""}`,
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"),
    LC_ALL: "C.UTF-8",
    TMPDIR: path.join(home, "tmp"),
    TERM: "xterm-256color",
    COLUMNS: "80",
    LINES: "24",
  };
}

/** What each block printed, standard output and error together, with volatile parts made alike. */
export function recordSession(blocks: readonly string[]): string[] {
  const home = mkdtempSync(path.join(existsSync("/tmp") ? "/tmp" : tmpdir(), "lockd-session-"));
  try {
    placeLockd(path.join(home, "bin"));
    mkdirSync(path.join(home, "tmp"));
    const parts = blocks.map((block) => `printf '\\036'\n${block}\n`);
    const file = path.join(home, "session.sh");
    writeFileSync(file, `exec 2>&1\n${parts.join("")}`);
    const options = { cwd: home, env: ownEnvironment(home), timeout: sessionMsMax };
    const { stdout, status, error } = spawnSync("/bin/sh", [file], { ...options, input: "" });
    if (error !== undefined) throw error;
    const outputs = normalised(stdout.toString(), home).split(separator).slice(1);
    if (outputs.length !== blocks.length) {
      throw new Error(
        `the session ended with ${status} after ${outputs.length} blocks:\n${stdout}`,
      );
    }
    return outputs.map((output) => output.trimEnd());
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
