import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LockdError } from "../../api/errors.ts";
import type { LeaseClock } from "./lease-clock.ts";
import type { ChildScope } from "./process-tree.ts";

/** Times a watchdog that ended by itself is replaced before the command is stopped instead. */
const replacementsMax = 3;

/** The watchdog's program: beside this file in the sources, at the top of the built bundle. */
function program(): string {
  const places = ["./watchdog-main.ts", "./watchdog-main.js", "../watchdog-main.js"];
  const found = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((file) => existsSync(file));
  if (found === undefined) throw notStarted("its program is missing from this installation");
  return found;
}

function notStarted(reason: string): LockdError {
  const rest = "without it the command is not run";
  return new LockdError("internal", `the watchdog cannot be started: ${reason}; ${rest}`);
}

export interface WatchdogOptions {
  readonly leaseId: string;
  readonly scope: ChildScope;
  /** Milliseconds between SIGTERM and SIGKILL when we have died. */
  readonly graceMs: number;
  readonly clock: LeaseClock;
  /** The child is unguarded: the watchdog ended again and again. */
  readonly onLost: () => void;
}

/** Our end of the watchdog process (see `watchdog-main.ts`). */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #process: ChildProcess;
  #replacements = 0;
  #done = false;
  #child = "";
  #until = "";

  /** @throws LockdError when there is no process to be had */
  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#process = this.#start();
    if (this.#process.pid !== undefined) return;
    this.#done = true;
    throw notStarted("the system gives no process");
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The command was started as this process. */
  watch(pid: number): void {
    this.#child = `child ${pid}\n`;
    this.#say(this.#child);
  }

  /** Kill everything under the lease at this time of the lease clock unless told otherwise. */
  killAt(atMs: number): void {
    this.#until = `until ${atMs} ${this.#options.clock.sleptMs}\n`;
    this.#say(this.#until);
  }

  done(): void {
    this.#done = true;
    this.#say("done\n");
    this.#process.stdin?.end();
  }

  #start(): ChildProcess {
    const watchdog = spawn(process.execPath, ["--no-warnings", program()], {
      stdio: ["pipe", "ignore", "ignore"],
      // A session of its own: neither Ctrl-C nor Ctrl-Z of our terminal reaches it.
      detached: true,
      env: {},
    });
    watchdog.stdin?.on("error", () => {});
    watchdog.on("error", () => this.#replace());
    watchdog.on("exit", () => this.#replace());
    watchdog.unref();
    const { leaseId, scope, graceMs } = this.#options;
    watchdog.stdin?.write(`lease ${leaseId} ${scope} ${Math.ceil(graceMs)}\n`);
    return watchdog;
  }

  /** It ended although nobody told it to. */
  #replace(): void {
    if (this.#done) return;
    this.#replacements += 1;
    if (this.#replacements > replacementsMax) {
      this.#options.onLost();
      return;
    }
    try {
      this.#process = this.#start();
      this.#say(`${this.#until}${this.#child}`);
    } catch {
      this.#options.onLost();
    }
  }

  #say(lines: string): void {
    this.#process.stdin?.write(lines);
  }
}
