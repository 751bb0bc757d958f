/**
 * The watchdog of `lockd run`: a process of its own, in a session of its own, so that it goes on
 * when `lockd run` is stopped, blocked or killed. It reads lines from standard input:
 *
 *     child PID SCOPE GRACE_MS    what to watch, and how long SIGTERM may take
 *     until NANOSECONDS           kill the child at this time of the machine's monotonic clock
 *     done                        the child has ended; nothing is left to do
 *
 * When the input ends without `done`, `lockd run` has died: nobody renews the lease any more, so
 * the child is asked to stop at once and killed after its grace, at the latest at its deadline.
 */
import { createInterface } from "node:readline";
import { type ChildScope, signalProcesses } from "./process-tree.ts";

interface WatchedChild {
  readonly pid: number;
  readonly scope: ChildScope;
  readonly graceMs: number;
}

class WatchedDeadline {
  #child: WatchedChild | undefined;
  #deadline: bigint | undefined;
  #timer: NodeJS.Timeout | undefined;

  onLine(line: string): void {
    const [verb, first = "", scope, grace] = line.split(" ");
    if (verb === "done") process.exit(0);
    if (verb === "until") this.#arm(BigInt(first));
    if (verb === "child") {
      this.#child = { pid: Number(first), scope: scope as ChildScope, graceMs: Number(grace) };
    }
  }

  onEnd(): void {
    if (this.#child === undefined) process.exit(0);
    const { pid, scope, graceMs } = this.#child;
    signalProcesses(pid, scope, "SIGTERM");
    signalProcesses(pid, scope, "SIGCONT");
    const afterGrace = process.hrtime.bigint() + BigInt(Math.round(graceMs * 1e6));
    const deadline = this.#deadline;
    this.#arm(deadline === undefined || afterGrace < deadline ? afterGrace : deadline);
  }

  #arm(deadline: bigint): void {
    this.#deadline = deadline;
    clearTimeout(this.#timer);
    const leftMs = Number(deadline - process.hrtime.bigint()) / 1e6;
    if (leftMs <= 0) this.#kill();
    // Timers may be early by a rounding; looking again is better than killing too soon.
    this.#timer = setTimeout(() => this.#arm(deadline), Math.min(Math.max(leftMs, 1), 1_000));
  }

  #kill(): never {
    if (this.#child !== undefined) signalProcesses(this.#child.pid, this.#child.scope, "SIGKILL");
    process.exit(0);
  }
}

const watched = new WatchedDeadline();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) process.on(name, () => {});
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => watched.onLine(line));
lines.on("close", () => watched.onEnd());
