/** What the examples share: a directory of their own, programs to start and to kill, a verdict. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** No step of an example takes longer, also on a machine under full load. */
const stepMsMax = 60_000;

/** Runs the example in a fresh directory; ends with 1 and says why when something is wrong. */
export async function inPlace(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "lockd-example-"));
  try {
    await run(directory);
    console.log("ok");
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function check(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(`this should hold, and does not: ${sentence}`);
  console.log(`checked: ${sentence}`);
}

/** Waits for something that other programs make true. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const from = performance.now();
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() - from > stepMsMax) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A program of the example as a process of its own; its output is shown. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";

  constructor(file: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [file, ...words], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString();
      process.stdout.write(chunk);
    });
    this.#child = child;
    this.#ended = once(child, "close");
  }

  get output(): string {
    return this.#output;
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The exit code, or the signal that ended it. */
  async end(): Promise<number | NodeJS.Signals | null> {
    await Promise.race([
      this.#ended,
      new Promise((_, reject) => {
        setTimeout(() => reject(new Error("a program does not end")), stepMsMax).unref();
      }),
    ]);
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  /** Whatever happened: nothing of an example is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.send("SIGKILL");
    await this.#ended;
  }
}
