/**
 * The watchdog of `lockd run`: a process of its own, in a session of its own, so that it goes on
 * when `lockd run` is stopped, blocked or killed. It reads lines from standard input:
 *
 *     lease ID SCOPE GRACE_MS     what to watch, and how long SIGTERM may take
 *     until MS SLEPT_MS           kill everything under the lease at this time of the lease clock
 *     child PID                   the command was started
 *     done                        the command has ended; nothing is left to do
 *
 * When the input ends without `done`, `lockd run` has died: nobody renews the lease any more, so
 * the command is asked to stop at once and killed after its grace, at the latest at its deadline.
 */
import { LeaseClock } from "./lease-clock.ts";
import {
  bornOf,
  type ChildScope,
  killTree,
  members,
  type ProcessTree,
  sendTo,
  terminateTree,
} from "./process-tree.ts";

/** Milliseconds between two looks at the clock (the machine may have slept) and two kills. */
const lookMs = 250;

/** Kills sent before we only wait: what ten seconds of SIGKILL do not end, nothing ends. */
const killsMax = 40;

class WatchedLease {
  readonly #clock = new LeaseClock();
  #tree: ProcessTree = { leaseId: "", scope: "group", pid: undefined };
  #graceMs = 0;
  #deadline = Infinity;
  #kills = 0;
  #orphaned = false;
  #timer: NodeJS.Timeout | undefined;

  onLine(line: string): void {
    const [verb, first = "", second = "", third = ""] = line.split(" ");
    if (verb === "done") process.exit(0);
    if (verb === "lease") {
      this.#tree = { ...this.#tree, leaseId: first, scope: second as ChildScope };
      this.#graceMs = Number(third);
    }
    if (verb === "child") {
      const pid = Number(first);
      this.#tree = { ...this.#tree, pid, born: bornOf(pid) };
    }
    if (verb === "until") {
      this.#clock.follow(Number(second));
      this.#deadline = Number(first);
    }
    this.#kills = 0;
    this.#look();
  }

  onEnd(): void {
    if (this.#tree.leaseId === "") process.exit(0);
    this.#orphaned = true;
    terminateTree(this.#tree);
    // Killed before it could tell us the child: the mark that the child inherited finds it.
    if (this.#tree.pid === undefined) for (const pid of members(this.#tree)) sendTo(pid, "SIGTERM");
    this.#deadline = Math.min(this.#deadline, this.#clock.nowMs() + this.#graceMs);
    this.#look();
  }

  #look(): void {
    clearTimeout(this.#timer);
    const leftMs = this.#deadline - this.#clock.nowMs();
    if (leftMs <= 0) this.#kill();
    if (this.#kills >= killsMax) return;
    this.#timer = setTimeout(() => this.#look(), leftMs <= 0 ? lookMs : Math.min(leftMs, lookMs));
  }

  #kill(): void {
    this.#kills += 1;
    killTree(this.#tree);
    // While `lockd run` lives (stopped, perhaps just before it starts the child) we stay.
    const over = this.#orphaned && (members(this.#tree).length === 0 || this.#kills >= killsMax);
    if (over) process.exit(0);
  }
}

/** Whole lines out of pieces. */
class LineSplitter {
  readonly #onLine: (line: string) => void;
  #unfinished = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    const lines = `${this.#unfinished}${text}`.split("\n");
    this.#unfinished = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line);
  }
}

const watched = new WatchedLease();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(name, () => {});
const input = new LineSplitter((line) => watched.onLine(line));
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => input.push(text));
process.stdin.on("end", () => watched.onEnd());
process.stdin.on("error", () => watched.onEnd());
