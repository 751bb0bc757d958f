import { scanSliceMs } from "../limits.ts";
import type { Clock, Monotonic } from "../ports/clock.ts";

/**
 * Keeps long walks from holding up everybody else. A walk works in slices of time, and of all walks
 * in a process only one has its slice at a time: however many there are, what else is ready to run
 * (leases above all) waits for one slice at most.
 */
export class ScanTurns {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #isArmed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A walk's share; it begins with a slice at once unless others wait for theirs. */
  newcomer(): Pacer {
    return new Pacer(this.#clock, this, this.#waiting.length > 0);
  }

  /** Resolves when it is the caller's turn, after others had theirs. */
  turn(place: "first" | "last"): Promise<void> {
    return new Promise((resolve) => {
      if (place === "first") this.#waiting.unshift(resolve);
      else this.#waiting.push(resolve);
      this.#arm();
    });
  }

  #arm(): void {
    if (this.#isArmed || this.#waiting.length === 0) return;
    this.#isArmed = true;
    this.#clock.schedule(0, () => {
      this.#isArmed = false;
      const next = this.#waiting.shift();
      this.#arm();
      next?.();
    });
  }
}

/** One walk's share of the time. */
export class Pacer {
  readonly #clock: Clock;
  readonly #turns: ScanTurns;
  #sliceBegan: Monotonic | undefined;
  #isNew = true;

  constructor(clock: Clock, turns: ScanTurns, waits: boolean) {
    this.#clock = clock;
    this.#turns = turns;
    this.#sliceBegan = waits ? undefined : clock.monotonicMs();
  }

  /** True when the slice is used up and it is time to {@link rest}. */
  isDue(nowMs: Monotonic): boolean {
    return this.#sliceBegan === undefined || nowMs - this.#sliceBegan >= scanSliceMs;
  }

  /** Lets everything run that is ready to. A walk that only begins may be short and goes first. */
  async rest(): Promise<void> {
    const place = this.#isNew ? "first" : "last";
    this.#isNew = false;
    await this.#turns.turn(place);
    this.#sliceBegan = this.#clock.monotonicMs();
  }
}
