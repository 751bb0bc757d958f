import type { BodyOutStream } from "../api/lockd.ts";
import type { AnswerHeaders } from "./answer-headers.ts";
import { streamBufferBytesMax } from "./limits.ts";

/** The connection below an {@link AnswerStream}. */
export interface StreamSource {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/**
 * A long answer body as it arrives. Holds at most {@link streamBufferBytesMax} (and one chunk)
 * before it pauses the connection; closing early cuts the connection.
 */
export class AnswerStream implements BodyOutStream {
  readonly #source: StreamSource;
  readonly #finished: () => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #paused = false;
  #end: { readonly failure: unknown } | "complete" | undefined;
  #wake: (() => void) | undefined;
  #taken = false;
  #trailers: AnswerHeaders | undefined;

  /** `finished` is called once when nothing more will come. */
  constructor(source: StreamSource, finished: () => void) {
    this.#source = source;
    this.#finished = finished;
  }

  push(chunk: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes >= streamBufferBytesMax && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
    this.#wakeReader();
  }

  /** What arrived and nobody read yet. */
  takeArrived(): Uint8Array[] {
    this.#bytes = 0;
    return this.#chunks.splice(0);
  }

  complete(trailers: AnswerHeaders = {}): void {
    this.#trailers = trailers;
    this.#settle("complete");
  }

  /** Headers that came after the body; undefined until it arrived whole. */
  get trailers(): AnswerHeaders | undefined {
    return this.#trailers;
  }

  /** The reader gets what arrived before, then `failure`. */
  fail(failure: unknown): void {
    this.#settle({ failure });
  }

  close(): Promise<void> {
    this.#chunks.length = 0;
    this.#bytes = 0;
    if (this.#end === undefined) {
      this.#settle("complete");
      this.#source.abort(new Error("the answer was closed before its end"));
    }
    return Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#taken) throw new TypeError("the body of this answer was read already");
    this.#taken = true;
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#took(chunk.byteLength);
          yield chunk;
        } else if (this.#end === "complete") {
          return;
        } else if (this.#end !== undefined) {
          throw this.#end.failure;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      await this.close();
    }
  }

  #took(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#paused && this.#bytes < streamBufferBytesMax / 2) {
      this.#paused = false;
      this.#source.resume();
    }
  }

  #settle(end: { readonly failure: unknown } | "complete"): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#finished();
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
