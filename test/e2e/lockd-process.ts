/** The built program in a directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const program = path.join(import.meta.dirname, "../../bin/lockd.js");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What standard error holds so far. */
  readonly stderr: () => string;
  /** The same of standard output. */
  readonly stdout: () => string;
  /** Resolves when standard error holds the text. */
  readonly says: (text: string) => Promise<void>;
}

/** A place with its own configuration and store; no variable of ours reaches the outside world. */
export class Place {
  readonly directory = mkdtempSync(path.join(tmpdir(), "lockd-e2e-"));
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    if (!existsSync(path.join(program, "../../dist/launch.cjs"))) {
      throw new Error("run `npm run build` first: these tests use the built program");
    }
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("LOCKD_"));
    this.env = {
      ...Object.fromEntries(own),
      LOCKD_CONFIG_DIR: path.join(this.directory, "config"),
    };
  }

  /** For scripts: `$LOCKD update`. */
  get command(): string {
    return `${process.execPath} ${program}`;
  }

  get storeUrl(): string {
    return `disk://${path.join(this.directory, "config", "store")}`;
  }

  start(words: readonly string[], options: { input?: string; env?: object } = {}): Started {
    return this.#spawn([process.execPath, program, ...words], options);
  }

  /** Runs something else than lockd in this place. */
  runProgram(words: readonly string[], options: { env?: object } = {}): Promise<Ended> {
    return this.#spawn(words, options).ended;
  }

  /** Runs a shell script that finds this `lockd` by its name, up to its first failure. */
  runScript(script: string): Promise<Ended> {
    const lockd = path.join(this.directory, "lockd");
    const file = path.join(this.directory, "script.sh");
    const started = `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`;
    writeFileSync(lockd, started, { mode: 0o755 });
    writeFileSync(file, `set -e\n${script}`);
    const env = { PATH: `${this.directory}:${process.env.PATH ?? ""}` };
    return this.runProgram(["/bin/sh", file], { env });
  }

  #spawn(words: readonly string[], options: { input?: string; env?: object }): Started {
    const [file = "", ...args] = words;
    const child = spawn(file, args, {
      cwd: this.directory,
      env: { ...this.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    const waiting: { text: string; resolve: () => void }[] = [];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      for (const one of waiting) if (stderr.includes(one.text)) one.resolve();
    });
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    const ended = once(child, "close").then(([code]) => ({
      code: code as number | null,
      stdout,
      stderr,
    }));
    const says = (text: string): Promise<void> =>
      new Promise((resolve) => {
        if (stderr.includes(text)) resolve();
        else waiting.push({ text, resolve });
      });
    return { child, ended, says, stderr: () => stderr, stdout: () => stdout };
  }

  run(words: readonly string[], options: { input?: string; env?: object } = {}): Promise<Ended> {
    return this.start(words, options).ended;
  }

  /** The variables that `acquire` exports. */
  async acquire(words: readonly string[]): Promise<NodeJS.ProcessEnv> {
    const { stdout } = await this.run(["acquire", ...words]);
    const pairs = [...stdout.matchAll(/^export ([A-Z_]+)="(.*)"$/gm)];
    return Object.fromEntries(pairs.map(([, name = "", value]) => [name, value]));
  }

  /** A server on this place's store; `url` is where it listens on TCP. */
  async serve(words: readonly string[] = []): Promise<Started & { readonly url: string }> {
    const all = ["serve", "--store", this.storeUrl, "--listen", "127.0.0.1:0", ...words];
    const started = this.start(all);
    await started.says('"network":"unix"');
    const url = /"address":"(http:[^"]+)"/.exec(started.stderr())?.[1] ?? "";
    return { ...started, url };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
