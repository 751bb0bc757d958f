/**
 * Deletes objects of states and attachments that no record points at any more, a little later, so
 * that readers which just looked up the old pointer can still open it. Losing this list in a crash
 * loses no data: the sweeper finds what was left behind.
 */
import { garbageDelayMs, garbagePauseMsMin, garbageQueueMax } from "./limits.ts";
import type { Clock, Monotonic, ScheduledCall } from "./ports/clock.ts";
import type { Store } from "./ports/store.ts";
import type { Telemetry } from "./ports/telemetry.ts";

interface Entry {
  readonly name: string;
  readonly dueAt: Monotonic;
}

export class GarbageCollector {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  #queue: Entry[] = [];
  #timer: ScheduledCall | undefined;
  #running: Promise<void> | undefined;

  constructor(ports: { store: Store; clock: Clock; telemetry: Telemetry }) {
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#telemetry = ports.telemetry;
  }

  discard(names: readonly string[]): void {
    if (names.length === 0) return;
    const dueAt = (this.#clock.monotonicMs() + garbageDelayMs) as Monotonic;
    for (const name of names) {
      if (this.#queue.length < garbageQueueMax) this.#queue.push({ name, dueAt });
    }
    this.#arm();
  }

  /** Deletes everything that is queued, due or not; for closing. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#running;
    const names = this.#queue.map((entry) => entry.name);
    this.#queue = [];
    for (const name of names) await this.#delete(name);
  }

  #arm(): void {
    const first = this.#queue[0];
    if (first === undefined || this.#timer !== undefined || this.#running !== undefined) return;
    // A timer may fire a rounding early; then it must not fire again at once.
    const delayMs = Math.max(garbagePauseMsMin, first.dueAt - this.#clock.monotonicMs());
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#timer = undefined;
      this.#running = this.#deleteDue();
    });
  }

  async #deleteDue(): Promise<void> {
    const now = this.#clock.monotonicMs();
    while (this.#queue[0] !== undefined && this.#queue[0].dueAt <= now) {
      const entry = this.#queue.shift();
      if (entry !== undefined) await this.#delete(entry.name);
    }
    this.#running = undefined;
    this.#arm();
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#store.deleteStream(name);
    } catch (error) {
      // Left for the sweeper.
      this.#telemetry.debug("storage.backend.core", "garbage.delete_failed", {
        object: name,
        error: String(error),
      });
    }
  }
}
