import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { failure } from "../../api/errors.ts";
import {
  type ChildScope,
  killTree,
  members,
  type ProcessTree,
  sendTo,
  signalTree,
  sweepTree,
  terminateTree,
} from "./process-tree.ts";

/** Milliseconds that what was killed gets to be gone before its lease is given up, and a look. */
const goneMsMax = 1_000;
const goneLookMs = 5;

/** From a terminal these go to every process of its foreground group. */
const groupSignals: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGQUIT", "SIGTERM"]);

/** These the terminal has sent to the child already when the child shares our group. */
const terminalSignals: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGQUIT", "SIGWINCH"]);

export interface StartedCommand {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly leaseId: string;
  readonly scope: ChildScope;
  /** What it reads: an open file; absent: what we read ourselves. */
  readonly stdin?: number | undefined;
  /** Called before anything else can happen once the process exists. */
  readonly onPid: (pid: number) => void;
}

/**
 * With a terminal the child stays in our group, so that it can be used as if the shell had started
 * it, and can open it; else it leads a session and group of its own.
 */
export function childScope(): ChildScope {
  try {
    closeSync(openSync("/dev/tty", "r+"));
    return "tree";
  } catch {
    return "group";
  }
}

/** The command under the lease. */
export class RunningChild {
  /** Its exit code, or 128 + the number of the signal that ended it, as a shell would say. */
  readonly ended: Promise<number>;
  readonly #tree: ProcessTree & { readonly pid: number };
  #over = false;

  private constructor(child: ChildProcess, tree: ProcessTree & { readonly pid: number }) {
    this.#tree = tree;
    this.ended = new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        this.#over = true;
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  }

  /** @throws command_not_started, command_not_executable */
  static start(started: StartedCommand): Promise<RunningChild> {
    const { command, env, leaseId, scope, onPid, stdin = "inherit" } = started;
    const [file = "", ...args] = command;
    const stdio = [stdin, "inherit", "inherit"] as const;
    const child = spawn(file, args, { stdio: [...stdio], detached: scope === "group", env });
    const { pid } = child;
    if (pid === undefined) {
      return new Promise((_resolve, reject) => {
        child.once("error", (error: NodeJS.ErrnoException) => {
          reject(notStarted(file, error));
        });
      });
    }
    onPid(pid);
    // A signal that cannot be delivered; how the child fares is seen by its exit.
    child.on("error", () => {});
    return Promise.resolve(new RunningChild(child, { leaseId, scope, pid }));
  }

  terminate(): void {
    if (!this.#over) terminateTree(this.#tree);
  }

  /** Ends the command and everything it started. */
  kill(): void {
    killTree(this.#tree);
  }

  /** A signal sent to us that the child has not got from the terminal anyway. */
  forward(name: NodeJS.Signals): void {
    if (this.#over || (this.#tree.scope === "tree" && terminalSignals.has(name))) return;
    if (groupSignals.has(name)) signalTree(this.#tree, name);
    else sendTo(this.#tree.pid, name);
  }

  /**
   * After the command has ended: ends what it left behind, all of it when the lease is lost, and
   * resolves when that is gone, so that it meets no later holder.
   */
  async clear(all: boolean): Promise<void> {
    const until = performance.now() + goneMsMax;
    for (;;) {
      if (all) killTree(this.#tree);
      const left = all ? members(this.#tree).length > 0 : sweepTree(this.#tree);
      if (!left || performance.now() > until) return;
      await new Promise((resolve) => setTimeout(resolve, goneLookMs));
    }
  }
}

/** As shells have it: 127 when there is no such command, 126 when it cannot be executed. */
function notStarted(file: string, error: NodeJS.ErrnoException): Error {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") {
    return failure("command_not_started", `${file}: not found`, { cause: error });
  }
  return failure("command_not_executable", `${file}: ${error.message}`, { cause: error });
}
