/** The consumers that wait for one queue, first come first served (http-queue.md 4.1, 14). */
import type { Clock, ScheduledCall } from "../ports/clock.ts";

/** How long a consumer waits for a message, and what else ends its wait. */
export interface Patience {
  /** Milliseconds; 0: not at all; undefined: for ever. */
  readonly waitMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Waiter {
  /** Place in line: who came earlier keeps its place when its candidate came to nothing. */
  readonly ticket: number;
  serve(messageId: string): void;
  fail(error: unknown): void;
}

export class ConsumerLine {
  readonly #clock: Clock;
  readonly #onLeave: () => void;
  readonly #waiters: Waiter[] = [];
  #tickets = 0;

  /** `onLeave` is told whenever somebody leaves, served or not. */
  constructor(clock: Clock, onLeave: () => void) {
    this.#clock = clock;
    this.#onLeave = onLeave;
  }

  get length(): number {
    return this.#waiters.length;
  }

  ticket(): number {
    this.#tickets += 1;
    return this.#tickets;
  }

  /**
   * Waits for a candidate; undefined when the time is over.
   * @throws the reason of an aborted signal, what `failAll` says
   */
  wait(ticket: number, { waitMs, signal }: Patience): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = (): void => {
        deadline?.cancel();
        signal?.removeEventListener("abort", onAbort);
        const at = this.#waiters.indexOf(waiter);
        if (at !== -1) this.#waiters.splice(at, 1);
        this.#onLeave();
      };
      const waiter: Waiter = {
        ticket,
        serve: (messageId) => {
          leave();
          resolve(messageId);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const onAbort = (): void => waiter.fail(signal?.reason);
      const deadline: ScheduledCall | undefined =
        waitMs === undefined
          ? undefined
          : this.#clock.schedule(waitMs, () => {
              leave();
              resolve(undefined);
            });
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#enter(waiter);
    });
  }

  /** Gives a candidate to the first in line, who must exist. */
  serve(messageId: string): void {
    this.#waiters[0]?.serve(messageId);
  }

  failAll(error: () => unknown): void {
    for (const waiter of [...this.#waiters]) waiter.fail(error());
  }

  #enter(waiter: Waiter): void {
    let at = this.#waiters.length;
    while (at > 0 && (this.#waiters[at - 1]?.ticket ?? 0) > waiter.ticket) at -= 1;
    this.#waiters.splice(at, 0, waiter);
  }
}
