import type { ChangeEvent } from "../../api/observation.ts";
import type { ChangeDraft } from "./record-changes.ts";

/**
 * The last events of this process, numbered. Readers keep their own place and pull; nobody is ever
 * waited for, and whoever falls behind the oldest event kept is told how many passed by.
 */
export class ChangeRing {
  /** Tells the numbers of this process from those of another life or another server. */
  readonly epoch: string;
  readonly #length: number;
  readonly #events: ChangeDraft[] = [];
  // Numbers start at 1, so that there is an id before the first event.
  #head = 1;
  #waiting = new Set<() => void>();

  constructor(epoch: string, length: number) {
    this.epoch = epoch;
    this.#length = length;
  }

  /** The number that the next event gets. */
  get head(): number {
    return this.#head;
  }

  /** The oldest number that can still be read; equal to `head` when there is none. */
  get tail(): number {
    return Math.max(1, this.#head - this.#length);
  }

  publish(event: ChangeDraft): void {
    this.#events[this.#head % this.#length] = event;
    this.#head += 1;
    if (this.#waiting.size > 0) this.wakeAll();
  }

  at(position: number): ChangeDraft | undefined {
    return position >= this.tail ? this.#events[position % this.#length] : undefined;
  }

  /** Where to go on behind an event id; undefined when that is not known here any more. */
  positionAfter(id: string): number | undefined {
    const [epoch, number = ""] = id.split(".");
    if (epoch !== this.epoch || !/^\d{1,15}$/.test(number)) return undefined;
    const position = Number(number) + 1;
    return position >= this.tail && position <= this.#head ? position : undefined;
  }

  /** The id of the event before `position`. */
  idBefore(position: number): string {
    return `${this.epoch}.${position - 1}`;
  }

  event(position: number, draft: ChangeDraft): ChangeEvent {
    return { id: this.idBefore(position + 1), ...draft };
  }

  /** Resolves with the next event, or when `wakeAll` is called. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.onNext(resolve);
    });
  }

  /** Calls `run` once, as `next`; the answered function forgets it. */
  onNext(run: () => void): () => void {
    this.#waiting.add(run);
    return () => this.#waiting.delete(run);
  }

  wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }
}
