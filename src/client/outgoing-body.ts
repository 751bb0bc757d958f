import type { BodyIn } from "../api/lockd.ts";
import { isReplayable, type ReplayableBody } from "./replayable-body.ts";

/** A request body on its way: knows whether it was touched and whether its own source failed. */
export class OutgoingBody {
  readonly #source: BodyIn;
  #touched = false;
  #failure: { readonly cause: unknown } | undefined;

  constructor(source: BodyIn) {
    this.#source = source;
  }

  /** True when it can be sent once more. */
  get sendable(): boolean {
    return !this.#touched || isReplayable(this.#source);
  }

  /** True when it can be sent any number of times. */
  get replayable(): boolean {
    return isReplayable(this.#source);
  }

  /** Bytes, when known beforehand. */
  get size(): number | undefined {
    if (this.#source instanceof Uint8Array) return this.#source.byteLength;
    return isReplayable(this.#source) ? (this.#source as ReplayableBody).size : undefined;
  }

  /** What the caller's stream threw; that is the caller's error and not one of the transport. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** The body for one try. */
  open(): Uint8Array | AsyncIterable<Uint8Array> {
    const source = this.#source;
    return source instanceof Uint8Array ? source : this.#watch(source);
  }

  async *#watch(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#touched = true;
    try {
      yield* source;
    } catch (cause) {
      this.#failure = { cause };
      throw cause;
    }
  }
}
