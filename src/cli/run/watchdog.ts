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

export interface GuardOptions {
  readonly leaseId: string;
  readonly scope: ChildScope;
  /** Milliseconds between SIGTERM and SIGKILL when we have died. */
  readonly graceMs: number;
  /** The child is unguarded: the watchdog ended again and again. */
  readonly onLost: () => void;
}

/** Our end of the watchdog process (see `watchdog-main.ts`), which guards any number of leases. */
export class Watchdog {
  readonly #clock: LeaseClock;
  readonly #guards = new Set<Guard>();
  #process: ChildProcess;
  #replacements = 0;
  #closed = false;
  #lost = false;

  /** @throws LockdError when there is no process to be had */
  constructor(clock: LeaseClock) {
    this.#clock = clock;
    this.#process = this.#start();
    if (this.#process.pid !== undefined) return;
    this.#closed = true;
    throw notStarted("the system gives no process");
  }

  /**
   * From now on everything under this lease is watched.
   * @throws LockdError when the watchdog could not be kept running
   */
  guard(options: GuardOptions): Guard {
    if (this.#lost) throw notStarted("it ended again and again");
    const guard = new Guard(options, {
      sleptMs: () => this.#clock.sleptMs,
      say: (line) => this.#process.stdin?.write(line),
      done: () => this.#guards.delete(guard),
    });
    this.#guards.add(guard);
    this.#process.stdin?.write(guard.told());
    return guard;
  }

  /** It ends when all its guards are done. */
  close(): void {
    this.#closed = true;
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
    return watchdog;
  }

  /** It ended although nobody told it to. */
  #replace(): void {
    if (this.#closed || this.#lost) return;
    this.#replacements += 1;
    if (this.#replacements > replacementsMax) {
      this.#giveUp();
      return;
    }
    try {
      this.#process = this.#start();
      for (const guard of this.#guards) this.#process.stdin?.write(guard.told());
    } catch {
      this.#giveUp();
    }
  }

  #giveUp(): void {
    this.#lost = true;
    for (const guard of this.#guards) guard.lost();
  }
}

interface GuardLine {
  readonly sleptMs: () => number;
  readonly say: (line: string) => void;
  readonly done: () => void;
}

/** One lease that the watchdog watches. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #line: GuardLine;
  #child = "";
  #until = "";

  constructor(options: GuardOptions, line: GuardLine) {
    this.#options = options;
    this.#line = line;
  }

  /** The command was started as this process. */
  watch(pid: number): void {
    this.#child = `child ${this.#options.leaseId} ${pid}\n`;
    this.#line.say(this.#child);
  }

  /** Kill everything under the lease at this time of the lease clock unless told otherwise. */
  killAt(atMs: number): void {
    this.#until = `until ${this.#options.leaseId} ${atMs} ${this.#line.sleptMs()}\n`;
    this.#line.say(this.#until);
  }

  done(): void {
    this.#line.say(`done ${this.#options.leaseId}\n`);
    this.#line.done();
  }

  /** Everything that a watchdog has to know of the lease. */
  told(): string {
    const { leaseId, scope, graceMs } = this.#options;
    return `lease ${leaseId} ${scope} ${Math.ceil(graceMs)}\n${this.#until}${this.#child}`;
  }

  lost(): void {
    this.#options.onLost();
  }
}
