import type { Clock, Instant, Monotonic, ScheduledCall } from "../../src/engine/ports/clock.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Lets everything run that waits for promises only. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 1_700_000_000_000;
  #order = 0;
  #pending: Pending[] = [];

  wallMs(): Instant {
    return this.#now as Instant;
  }

  monotonicMs(): Monotonic {
    return (this.#now - 1_000_000_000) as Monotonic;
  }

  schedule(delayMs: number, run: () => void): ScheduledCall {
    this.#order += 1;
    const call: Pending = { at: this.#now + delayMs, order: this.#order, run };
    this.#pending.push(call);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== call);
      },
    };
  }

  /** Calls that are still to come. */
  get scheduled(): number {
    return this.#pending.length;
  }

  /** Moves time on, running what falls due in its order and what follows from it. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (;;) {
      const due = this.#pending
        .filter(({ at }) => at <= until)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.#pending = this.#pending.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await settled();
    }
    this.#now = until;
    await settled();
  }
}
