/** The clock of one node: its own idea of wall time, its own rate, jumps that only it sees. */
import type { Clock, Instant, Monotonic, ScheduledCall } from "../../src/engine/ports/clock.ts";
import type { SimProcess } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** Wall time at virtual time zero: a round instant, so that traces read well. */
export const epochMs = 1_700_000_000_000;

/** What a node's hardware clock shows; outlives the processes that read it. */
export class HardwareClock {
  readonly #scheduler: Scheduler;
  readonly #originMs: number;
  #rate: number;
  #offsetMs: number;
  /** Where the rate last changed: virtual time, and what was elapsed by then. */
  #sinceMs = 0;
  #elapsedMs = 0;

  constructor(
    scheduler: Scheduler,
    skew: { readonly originMs: number; readonly offsetMs: number; readonly rate: number },
  ) {
    this.#scheduler = scheduler;
    this.#originMs = skew.originMs;
    this.#offsetMs = skew.offsetMs;
    this.#rate = skew.rate;
  }

  get rate(): number {
    return this.#rate;
  }

  elapsedMs(): number {
    return this.#elapsedMs + (this.#scheduler.now - this.#sinceMs) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(epochMs + this.#offsetMs + this.elapsedMs());
  }

  monotonicMs(): number {
    return this.#originMs + this.elapsedMs();
  }

  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }

  /** Somebody repaired time keeping: from now on this clock is right. */
  correct(): void {
    this.#elapsedMs = this.elapsedMs();
    this.#sinceMs = this.#scheduler.now;
    this.#rate = 1;
    this.#offsetMs = this.#scheduler.now - this.#elapsedMs;
  }
}

/** The clock port of one life of a node. */
export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #hardware: HardwareClock;
  readonly #process: SimProcess;
  readonly #life: number;
  #timers = 0;

  constructor(parts: { scheduler: Scheduler; hardware: HardwareClock; process: SimProcess }) {
    this.#scheduler = parts.scheduler;
    this.#hardware = parts.hardware;
    this.#process = parts.process;
    this.#life = parts.process.life;
  }

  /** Timers that have neither run nor been cancelled: what a quiet node must not have. */
  get timers(): number {
    return this.#timers;
  }

  wallMs(): Instant {
    return this.#hardware.wallMs() as Instant;
  }

  monotonicMs(): Monotonic {
    return this.#hardware.monotonicMs() as Monotonic;
  }

  schedule(delayMs: number, run: () => void): ScheduledCall {
    this.#timers += 1;
    let pending = true;
    const over = (): boolean => {
      const was = pending;
      if (pending) this.#timers -= 1;
      pending = false;
      return was;
    };
    const event = this.#scheduler.after(delayMs / this.#hardware.rate, () => {
      this.#process.deliver(this.#life, () => {
        if (over()) run();
      });
    });
    return {
      cancel: () => {
        event.cancelled = true;
        over();
      },
    };
  }
}
