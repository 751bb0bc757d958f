import { scanSliceMs } from "../limits.ts";
import type { Clock, Monotonic } from "../ports/clock.ts";

/**
 * Keeps a long walk from holding up everybody else: after each slice of time the rest of the
 * process (leases above all) gets its turn.
 */
export class Pacer {
  readonly #clock: Clock;
  #sliceBegan: Monotonic;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sliceBegan = clock.monotonicMs();
  }

  /** True when it is time to {@link rest}. */
  isDue(nowMs: Monotonic): boolean {
    return nowMs - this.#sliceBegan >= scanSliceMs;
  }

  /** Lets everything run that is ready to. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.schedule(0, resolve);
    });
    this.#sliceBegan = this.#clock.monotonicMs();
  }
}
