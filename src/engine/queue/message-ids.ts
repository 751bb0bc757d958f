import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";

/** A new millisecond starts its counter in the lower half, so that there is room to count. */
const counterStartMax = 0x800;
const counterMax = 0xfff;

/**
 * Message ids: UUIDv7 whose 12 bits below the millisecond count, so that ids of one process rise
 * strictly in the order in which they were made, whatever the clock does (http-queue.md 2.1).
 */
export class MessageIds {
  readonly #clock: Clock;
  readonly #random: Random;
  #ms = 0;
  #counter = 0;

  constructor(ports: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = ports.clock;
    this.#random = ports.random;
  }

  /** A new id; after `last` as well, which another process may have made by its own clock. */
  next(last?: string): string {
    if (last !== undefined) this.#passBy(last);
    const wall = this.#clock.wallMs();
    if (wall > this.#ms) {
      this.#ms = wall;
      this.#counter = Math.floor(this.#random.fraction() * counterStartMax);
    } else if (this.#counter === counterMax) {
      // A counter that is used up borrows the next millisecond.
      this.#ms += 1;
      this.#counter = 0;
    } else {
      this.#counter += 1;
    }
    const time = this.#ms.toString(16).padStart(12, "0");
    const counter = this.#counter.toString(16).padStart(3, "0");
    // The variant and the 62 random bits of an ordinary UUIDv7.
    const tail = this.#random.uuid().slice(19);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${tail}`;
  }

  #passBy(last: string): void {
    const ms = timeOfMessageId(last);
    const counter = counterOf(last);
    if (ms < this.#ms || (ms === this.#ms && counter <= this.#counter)) return;
    this.#ms = ms;
    this.#counter = counter;
  }
}

/** 12 bits below the millisecond. */
function counterOf(messageId: string): number {
  return Number.parseInt(messageId.slice(15, 18), 16);
}

/** Milliseconds of the clock of whoever made the id. */
export function timeOfMessageId(messageId: string): number {
  return Number.parseInt(messageId.slice(0, 8) + messageId.slice(9, 13), 16);
}

const messageIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** True for the form of every id that was ever handed out. */
export function isMessageId(text: string): boolean {
  return text.length === 36 && messageIdPattern.test(text);
}
