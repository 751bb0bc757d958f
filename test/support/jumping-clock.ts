import type { ClientClock } from "../../src/client/client-ports.ts";

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/**
 * Time that stands still until it is moved. With `jumpBelowMs` every shorter timer makes time jump
 * to its end by itself (pauses), while longer ones (limits) stay.
 */
export class JumpingClock implements ClientClock {
  readonly #jumpBelowMs: number;
  readonly #timers = new Set<Timer>();
  #nowMs = 0;
  /** Delays of the timers that made time jump, in order. */
  readonly jumps: number[] = [];

  constructor(options: { readonly jumpBelowMs?: number } = {}) {
    this.#jumpBelowMs = options.jumpBelowMs ?? 0;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  get timers(): number {
    return this.#timers.size;
  }

  schedule(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    if (delayMs < this.#jumpBelowMs) {
      setImmediate(() => {
        if (!this.#timers.has(timer)) return;
        this.jumps.push(delayMs);
        this.advance(Math.max(0, timer.atMs - this.#nowMs));
      });
    }
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Moves time and runs what became due, in order. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      const due = [...this.#timers]
        .filter((timer) => timer.atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
    }
    this.#nowMs = endMs;
  }
}
