import type { IncomingMessage } from "node:http";
import { ClientGone } from "./exchange.ts";
import { bodyBufferBytesMax } from "./limits.ts";

/**
 * The body of a request as it arrives. Holds at most {@link bodyBufferBytesMax} (and one chunk)
 * before the connection is paused, so that it comes no faster than it is taken; fails when the
 * client breaks off, so that a short body never passes for a complete one. Takes the chunks as the
 * parser makes them: the stream's own iterator would join them into new ones.
 */
export class BodyStream implements AsyncIterableIterator<Uint8Array> {
  readonly #request: IncomingMessage;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #end: { readonly failure: unknown } | "complete" | undefined;
  #wake: (() => void) | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
    request.on("data", this.#arrived);
    request.on("end", this.#ended);
    request.on("error", this.#failed);
    request.on("close", this.#closed);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.byteLength;
        if (this.#bytes === 0 && this.#request.isPaused()) this.#request.resume();
        return { done: false, value: chunk };
      }
      if (this.#end === "complete") return { done: true, value: undefined };
      if (this.#end !== undefined) throw this.#end.failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Enough: what still comes is for whoever answers to drop, the connection outlives this body. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#request.off("data", this.#arrived);
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#settle("complete");
    return { done: true, value: undefined };
  }

  readonly #arrived = (chunk: Uint8Array): void => {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes >= bodyBufferBytesMax) this.#request.pause();
    this.#wakeReader();
  };

  readonly #ended = (): void => this.#settle("complete");

  readonly #failed = (failure: unknown): void => this.#settle({ failure });

  readonly #closed = (): void => this.#settle({ failure: new ClientGone() });

  #settle(end: { readonly failure: unknown } | "complete"): void {
    if (this.#end === undefined) this.#end = end;
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
