/** The server of a soak: a process of its own on a disk store, with short retentions. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const program = path.join(import.meta.dirname, "../../bin/lockd.js");
const probe = path.join(import.meta.dirname, "memory-probe.ts");

/** Milliseconds without a request after which the server tidies up, and between two looks. */
export const sweepGraceMs = 3_000;
export const sweepIntervalMs = 1_000;

/** Seconds of the longest lease it grants. */
export const maxTtlSeconds = 8;

export interface Memory {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

export class SoakServer {
  readonly #child: ChildProcess;
  /** How it ended, if it did without being asked. */
  #ended: string | undefined;

  constructor(directory: string, port: number) {
    const settings = [
      ...["--store", `disk://${directory}`, "--listen", `127.0.0.1:${port}`],
      ...["--sweeper-interval", `${sweepIntervalMs}ms`, "--idle-sweep-grace", `${sweepGraceMs}ms`],
      ...["--idle-sweep-max-ops", "1000000", "--log-level", "error"],
      ...["--default-ttl", "4s", "--max-ttl", `${maxTtlSeconds}s`],
    ];
    const args = ["--expose-gc", "--no-warnings", "--import", probe, program, "serve", ...settings];
    this.#child = spawn(process.execPath, args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, LOCKD_TC_DECISION_RETENTION: "5s", LOCKD_TXN_REPLAY_INTERVAL: "1s" },
    });
    this.#child.on("exit", (code, signal) => {
      this.#ended = `code ${code}, signal ${signal}`;
    });
  }

  /** @throws when the server has died */
  async memory(): Promise<Memory> {
    if (this.#ended !== undefined) throw new Error(`the server ended by itself: ${this.#ended}`);
    const answer = once(this.#child, "message");
    this.#child.send("sample");
    const [memory] = (await answer) as [Memory];
    return memory;
  }

  /** @throws when it does not end cleanly */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) throw new Error(`the server ended by itself: ${this.#ended}`);
    this.#child.kill("SIGTERM");
    const [code] = (await once(this.#child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`the server ended with ${code}`);
  }

  kill(): void {
    if (this.#ended === undefined) this.#child.kill("SIGKILL");
  }
}
