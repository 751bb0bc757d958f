import { type ChildProcess, spawn } from "node:child_process";
import { failure } from "../../api/errors.ts";
import { type ChildScope, signalProcesses } from "./process-tree.ts";

/** How a child ended: as a shell would report it. */
export interface ChildEnd {
  /** Its exit code, or 128 + the number of the signal that ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
}

const signalNumbers: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

/** The command under the lease. */
export class RunningChild {
  readonly pid: number;
  readonly scope: ChildScope;
  readonly ended: Promise<ChildEnd>;
  #over = false;

  private constructor(child: ChildProcess, pid: number, scope: ChildScope) {
    this.pid = pid;
    this.scope = scope;
    this.ended = new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        this.#over = true;
        const bySignal = 128 + (signal === null ? 0 : (signalNumbers[signal] ?? 0));
        resolve({ exitCode: code ?? bySignal, signal });
      });
    });
  }

  /**
   * Starts a command with our standard streams. With a terminal it stays in our process group, so
   * that it can be used as if it had been started by the shell; else it leads a group of its own.
   * @throws command_not_started
   */
  static start(command: readonly string[], env: NodeJS.ProcessEnv): Promise<RunningChild> {
    const [file = "", ...args] = command;
    const scope: ChildScope = process.stdin.isTTY ? "tree" : "group";
    const child = spawn(file, args, { stdio: "inherit", detached: scope === "group", env });
    return new Promise((resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        const reason = error.code === "ENOENT" ? "not found" : error.message;
        reject(failure("command_not_started", `${file}: ${reason}`, { cause: error }));
      });
      child.once("spawn", () => {
        if (child.pid !== undefined) resolve(new RunningChild(child, child.pid, scope));
      });
    });
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#over) signalProcesses(this.pid, this.scope, name);
  }

  /** For what is left of a group whose leader has ended. */
  sweep(): void {
    if (this.scope === "group") signalProcesses(this.pid, "group", "SIGKILL");
  }

  /** A signal sent to us that the child has not got from the terminal anyway. */
  forward(name: NodeJS.Signals): void {
    const fromTerminal = name === "SIGINT" || name === "SIGQUIT" || name === "SIGWINCH";
    if (this.scope === "tree" && fromTerminal) return;
    this.signal(name);
  }
}
