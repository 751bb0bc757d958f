/** A real terminal that a test can type into and look at: tmux, with a server of its own. */
import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

/** Undefined when there is no tmux here. */
export function tmuxVersion(): string | undefined {
  const { status, stdout } = spawnSync("tmux", ["-V"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** How long a screen may take to show something, on a machine with much else to do. */
const patienceMs = 15_000;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export class Terminal {
  readonly #socket = `lockd-${randomUUID()}`;

  /** Runs a shell command line in a window of its own. */
  constructor(command: string, { columns, rows }: TerminalSize) {
    // A person's terminal, wherever the test runs: under CI libraries draw without colours.
    const { CI: _ci, ...own } = process.env;
    const env = { ...own, LC_ALL: "C.UTF-8", TZ: "UTC" };
    const size = ["-x", String(columns), "-y", String(rows)];
    const start = ["-L", this.#socket, "-f", "/dev/null", "new-session", "-d", ...size, command];
    execFileSync("tmux", start, { env, stdio: "ignore" });
  }

  #tmux(...words: readonly string[]): string {
    return execFileSync("tmux", ["-L", this.#socket, ...words], { encoding: "utf8" });
  }

  /** Names of keys as tmux has them, or characters. */
  press(...keys: readonly string[]): void {
    for (const key of keys) this.#tmux("send-keys", key);
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", text);
  }

  resize({ columns, rows }: TerminalSize): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What stands on the screen. */
  screen(): string {
    return this.#tmux("capture-pane", "-p");
  }

  /** With the escape sequences of its looks. */
  colouredScreen(): string {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  /** A format of tmux, such as `alternate_on` or `cursor_flag`. */
  flag(name: string): string {
    return this.#tmux("display-message", "-p", `#{${name}}`).trim();
  }

  /** The process that the shell of the window is waiting for. */
  get programPid(): number {
    const shell = this.flag("pane_pid");
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").trim());
  }

  /** The screen once it has the texts and has stood still. */
  async shows(...texts: readonly string[]): Promise<string> {
    const until = Date.now() + patienceMs;
    let before = "";
    for (;;) {
      const now = this.screen();
      if (texts.every((text) => now.includes(text)) && now === before) return now;
      if (Date.now() > until) throw new Error(`"${texts.join()}" does not appear:\n${now}`);
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
  }

  close(): void {
    spawnSync("tmux", ["-L", this.#socket, "kill-server"], { stdio: "ignore" });
  }
}
