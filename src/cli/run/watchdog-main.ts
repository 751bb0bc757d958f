/**
 * The watchdog of `lockd run` and `lockd work`: a process of its own, in a session of its own, so
 * that it goes on when they are stopped, blocked or killed. It reads lines from standard input,
 * each about one lease:
 *
 *     lease ID SCOPE GRACE_MS     what to watch, and how long SIGTERM may take
 *     until ID MS SLEPT_MS        kill everything under the lease at this time of the lease clock
 *     child ID PID                the command was started
 *     done ID                     the command has ended; the lease is nobody's concern any more
 *
 * When the input ends while leases are left, who fed it has died: nobody renews them any more, so
 * their commands are asked to stop at once and killed after their grace, at the latest at their
 * deadline. It ends when its input has ended and nothing is left to do.
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

interface LeaseTerms {
  readonly leaseId: string;
  readonly scope: ChildScope;
  readonly graceMs: number;
}

class WatchedLease {
  readonly #clock: LeaseClock;
  readonly #graceMs: number;
  /** Called when it is orphaned and nothing is left of its command. */
  readonly #over: () => void;
  #tree: ProcessTree;
  #deadline = Infinity;
  #kills = 0;
  #orphaned = false;
  #timer: NodeJS.Timeout | undefined;

  constructor({ leaseId, scope, graceMs }: LeaseTerms, clock: LeaseClock, over: () => void) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#over = over;
    this.#tree = { leaseId, scope, pid: undefined };
  }

  started(pid: number): void {
    this.#tree = { ...this.#tree, pid, born: bornOf(pid) };
    this.#lookAgain();
  }

  until(atMs: number): void {
    this.#deadline = atMs;
    this.#lookAgain();
  }

  done(): void {
    clearTimeout(this.#timer);
  }

  /** Whoever renewed it has died. */
  orphan(): void {
    this.#orphaned = true;
    terminateTree(this.#tree);
    // Killed before it could tell us the child: the mark that the child inherited finds it.
    if (this.#tree.pid === undefined) for (const pid of members(this.#tree)) sendTo(pid, "SIGTERM");
    this.#deadline = Math.min(this.#deadline, this.#clock.nowMs() + this.#graceMs);
    this.#look();
  }

  /** Something has changed: what was given up may be worth another try. */
  #lookAgain(): void {
    this.#kills = 0;
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
    // While our feeder lives (stopped, perhaps just before it starts the child) we stay.
    if (!this.#orphaned) return;
    if (members(this.#tree).length > 0 && this.#kills < killsMax) return;
    this.#kills = killsMax;
    this.#over();
  }
}

class Watch {
  readonly #clock = new LeaseClock();
  readonly #leases = new Map<string, WatchedLease>();

  onLine(line: string): void {
    const [verb, id = "", first = "", second = ""] = line.split(" ");
    if (verb === "lease") this.#guard(id, { scope: first as ChildScope, graceMs: Number(second) });
    const lease = this.#leases.get(id);
    if (verb === "child") lease?.started(Number(first));
    if (verb === "until") {
      this.#clock.follow(Number(second));
      lease?.until(Number(first));
    }
    if (verb !== "done") return;
    lease?.done();
    this.#leases.delete(id);
  }

  onEnd(): void {
    for (const lease of this.#leases.values()) lease.orphan();
    this.#endWhenIdle();
  }

  #guard(leaseId: string, terms: Omit<LeaseTerms, "leaseId">): void {
    const over = (): void => {
      this.#leases.delete(leaseId);
      this.#endWhenIdle();
    };
    this.#leases.set(leaseId, new WatchedLease({ ...terms, leaseId }, this.#clock, over));
  }

  /** Only asked once the input has ended: before, another lease may come. */
  #endWhenIdle(): void {
    if (this.#leases.size === 0) process.exit(0);
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

const watch = new Watch();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(name, () => {});
const input = new LineSplitter((line) => watch.onLine(line));
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => input.push(text));
process.stdin.on("end", () => watch.onEnd());
process.stdin.on("error", () => watch.onEnd());
