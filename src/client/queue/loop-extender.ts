import type { ClientClock } from "../client-ports.ts";
import { extendPeriodMsMax, extendPeriodMsMin, extendPeriodMsUnknown } from "../limits.ts";
import type { Extender, Message } from "./message.ts";

/** Milliseconds between two extensions of a lease of so many milliseconds. */
export function extendPeriodMs(visibilityMs: number): number {
  if (visibilityMs <= 0) return extendPeriodMsUnknown;
  return Math.min(extendPeriodMsMax, Math.max(extendPeriodMsMin, visibilityMs / 2));
}

/**
 * Extends a message's lease from this event loop, half-way through each time. A failure stops it
 * and is told once, unless the message was settled meanwhile.
 */
export class LoopExtender implements Extender {
  readonly #message: Message;
  readonly #clock: ClientClock;
  readonly #failed: (error: unknown) => void;
  #timer: { cancel(): void } | undefined;
  #running: Promise<void> = Promise.resolve();
  #over = false;

  constructor(message: Message, clock: ClientClock, failed: (error: unknown) => void) {
    this.#message = message;
    this.#clock = clock;
    this.#failed = failed;
  }

  start(): void {
    if (this.#over || this.#timer !== undefined) return;
    this.#timer = this.#clock.schedule(extendPeriodMs(this.#message.visibilityMs), () => {
      this.#running = this.#extend();
    });
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#running;
    // The extension that was under way has armed the next one.
    this.#cancel();
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #extend(): Promise<void> {
    try {
      await this.#message.extendNow({ byMs: this.#message.visibilityMs });
      this.#timer = undefined;
      this.start();
    } catch (error) {
      this.#timer = undefined;
      this.#over = true;
      if (!this.#message.settled) this.#failed(error);
    }
  }
}
