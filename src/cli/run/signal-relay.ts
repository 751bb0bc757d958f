import { Interrupted } from "../usage-error.ts";

/** Signals that mean something to the command. */
const relayed = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
] as const satisfies readonly NodeJS.Signals[];

/** Those that end the wait for the key. */
const ending: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]);

/**
 * Where the signals sent to us go: while there is no child, to the wait, which they end; then to
 * the child. None is lost in between: a child is not started after one that ends the wait.
 */
export class SignalRelay {
  readonly #waiting = new AbortController();
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[];
  #target: ((name: NodeJS.Signals) => void) | undefined;

  constructor() {
    this.#handlers = relayed.map((name) => [name, () => this.#relay(name)] as const);
    for (const [name, handler] of this.#handlers) process.on(name, handler);
  }

  /** Aborts with an `Interrupted` while no child takes the signals. */
  get waiting(): AbortSignal {
    return this.#waiting.signal;
  }

  /** From now on signals go there. */
  relayTo(target: (name: NodeJS.Signals) => void): void {
    this.#target = target;
  }

  /** Signals do what they do by default again. */
  stop(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #relay(name: NodeJS.Signals): void {
    if (this.#target !== undefined) this.#target(name);
    else if (ending.has(name)) {
      this.#waiting.abort(new Interrupted(name === "SIGINT" ? "SIGINT" : "SIGTERM"));
    }
  }
}
