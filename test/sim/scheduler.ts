/**
 * Virtual time: a heap of events, ordered by time and, where two fall together, by a seeded draw.
 * Between two events everything that waits for promises only runs to its end: one turn of the
 * event loop drains all microtasks, and nothing in a run waits for anything but these events.
 */
import type { Rng } from "./rng.ts";

export interface SimEvent {
  readonly at: number;
  readonly tie: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

function isBefore(one: SimEvent, other: SimEvent): boolean {
  if (one.at !== other.at) return one.at < other.at;
  if (one.tie !== other.tie) return one.tie < other.tie;
  return one.order < other.order;
}

export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class Scheduler {
  readonly #rng: Rng;
  readonly #heap: SimEvent[] = [];
  #now = 0;
  #order = 0;
  #ran = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Milliseconds of virtual time since the run began. */
  get now(): number {
    return this.#now;
  }

  /** Events that ran; also a count that orders what happens at the same instant. */
  get ran(): number {
    return this.#ran;
  }

  /** Runs `run` after `delayMs`; times are kept to a microsecond. */
  after(delayMs: number, run: () => void): SimEvent {
    this.#order += 1;
    const at = Math.round((this.#now + Math.max(0, delayMs)) * 1000) / 1000;
    const event: SimEvent = {
      at,
      tie: this.#rng.next(),
      order: this.#order,
      run,
      cancelled: false,
    };
    this.#push(event);
    return event;
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Runs events until `done` says so or none is left before `untilMs`; moves time there then. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    await drainMicrotasks();
    while (!done()) {
      const event = this.#heap[0];
      if (event === undefined || event.at > untilMs) {
        this.#now = Math.max(this.#now, untilMs);
        return;
      }
      this.#pop();
      if (event.cancelled) continue;
      this.#now = event.at;
      this.#ran += 1;
      event.run();
      await drainMicrotasks();
    }
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as SimEvent;
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = at * 2 + 1;
      const left = heap[childAt];
      if (left === undefined) break;
      const right = heap[childAt + 1];
      let child = left;
      if (right !== undefined && isBefore(right, left)) {
        childAt += 1;
        child = right;
      }
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}
