/** Puts the terminal back however the process ends: Ink does it when it is asked to end in time. */
import process from "node:process";

/** Main screen, cursor shown, looks reset, bracketed paste off, synchronised output ended. */
const restoring = "\u001b[?2026l\u001b[?2004l\u001b[0m\u001b[?25h\u001b[?1049l";

export interface RestoreOptions {
  /** Ends the dashboard in good order. */
  readonly onSignal: (name: NodeJS.Signals) => void;
}

const ending = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/**
 * Guards the terminal until the answered function is called. A crash is told on the terminal after
 * it was put back, and the process ends with 1.
 */
export function guardTerminal({ onSignal }: RestoreOptions): () => void {
  const restore = (): void => {
    try {
      process.stdin.setRawMode?.(false);
      process.stdout.write(restoring);
    } catch {
      // The terminal is gone; there is nothing to put back.
    }
  };
  const onExit = (): void => restore();
  const onCrash = (error: unknown): void => {
    restore();
    process.stderr.write(`lockd: internal: ${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  };
  for (const name of ending) process.on(name, onSignal);
  process.on("exit", onExit);
  process.on("uncaughtException", onCrash);
  process.on("unhandledRejection", onCrash);
  return () => {
    for (const name of ending) process.off(name, onSignal);
    process.off("exit", onExit);
    process.off("uncaughtException", onCrash);
    process.off("unhandledRejection", onCrash);
  };
}
