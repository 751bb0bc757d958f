import type { ClientClock } from "../client-ports.ts";
import type { AcquireRequest } from "../types.ts";

type WaitMs = AcquireRequest["waitMs"];

/** The time that the acquires of one transaction may wait, all together. */
export class WaitBudget {
  readonly #clock: ClientClock;
  #leftMs: number;
  /** Acquires under way, and since when at least one is. */
  #waiting = 0;
  #sinceMs = 0;

  constructor(clock: ClientClock, total: WaitMs) {
    this.#clock = clock;
    this.#leftMs = msOf(total);
  }

  /** Runs an acquire with what is left; its time counts once however many wait side by side. */
  async spend<T>(own: WaitMs, acquire: (waitMs: WaitMs) => Promise<T>): Promise<T> {
    const mostMs = Math.min(this.#leftNow(), own === undefined ? Infinity : msOf(own));
    if (this.#waiting === 0) this.#sinceMs = this.#clock.monotonicMs();
    this.#waiting += 1;
    try {
      return await acquire(mostMs === Infinity ? "forever" : mostMs <= 0 ? "none" : mostMs);
    } finally {
      const left = this.#leftNow();
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#leftMs = left;
    }
  }

  #leftNow(): number {
    if (this.#waiting === 0) return this.#leftMs;
    return Math.max(0, this.#leftMs - (this.#clock.monotonicMs() - this.#sinceMs));
  }
}

function msOf(wait: WaitMs): number {
  if (wait === "forever" || wait === undefined) return Infinity;
  return wait === "none" ? 0 : wait;
}
