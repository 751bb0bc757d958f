import type { IncomingMessage } from "node:http";
import { freeBytes } from "../bytes/free-bytes.ts";
import { ClientGone } from "./exchange.ts";
import { bodyAheadBytesMax } from "./limits.ts";

/**
 * The body of a request as it comes, however long, read on only as fast as it is taken. It fails
 * when the client breaks off, so that a short body never passes for a complete one.
 *
 * A chunk is the reader's until it asks for the next one; then its memory is freed. Who stops
 * before the end leaves the connection as it is: the answer still has to go out on it.
 *
 * Chunks are taken by `data` events, because `read` would join what has come meanwhile into new
 * buffers, and leave the old ones to the garbage collector.
 */
export class RequestChunks implements AsyncIterableIterator<Uint8Array> {
  readonly #request: IncomingMessage;
  #ahead: Buffer[] = [];
  #aheadBytes = 0;
  /** The chunk the reader has. */
  #taken: Buffer | undefined;
  #state: "unread" | "reading" | "ended" | "left" = "unread";
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws ClientGone, or what the request was destroyed with */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#taken !== undefined) freeBytes(this.#taken);
    this.#taken = undefined;
    if (this.#state === "unread") this.#begin();
    while (this.#ahead.length === 0 && this.#state === "reading") await this.#more();
    if (this.#failure !== undefined) throw this.#failure;
    this.#taken = this.#ahead.shift();
    if (this.#taken === undefined) return { done: true, value: undefined };
    this.#aheadBytes -= this.#taken.length;
    return { done: false, value: this.#taken };
  }

  /** Takes no more; the last chunk stays valid. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#taken = undefined;
    this.#ahead = [];
    this.#stop("left");
    return { done: true, value: undefined };
  }

  #begin(): void {
    const request = this.#request;
    this.#state = "reading";
    // Who refused it meanwhile has let it run: what is left would pass for all of it.
    if (request.destroyed || request.readableFlowing !== null) this.#close();
    else {
      request.on("end", this.#end);
      request.on("error", this.#fail);
      request.on("close", this.#close);
      request.on("data", this.#take);
    }
  }

  #more(): Promise<void> {
    this.#request.resume();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  readonly #take = (chunk: Buffer): void => {
    this.#ahead.push(chunk);
    this.#aheadBytes += chunk.length;
    if (this.#aheadBytes >= bodyAheadBytesMax) this.#request.pause();
    this.#awake();
  };

  readonly #end = (): void => this.#stop("ended");

  readonly #fail = (error: Error): void => {
    if (this.#state !== "reading") return;
    this.#failure = error;
    this.#stop("ended");
  };

  readonly #close = (): void => {
    this.#failure ??= this.#request.errored ?? new ClientGone();
    this.#stop("ended");
  };

  #stop(state: "ended" | "left"): void {
    this.#state = state;
    const request = this.#request;
    request.off("data", this.#take);
    request.off("end", this.#end);
    request.off("close", this.#close);
    // Not "error": one that is under way already would be an exception without a listener.
    this.#awake();
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/**
 * Reads over what is left of a body nobody wants: the connection's next request comes behind it.
 * Whoever read it before has to have stopped, or gets it, too.
 */
export function discardBody(request: IncomingMessage): void {
  if (!request.complete) {
    request.on("data", (chunk: Buffer) => {
      if (request.listenerCount("data") === 1) freeBytes(chunk);
    });
  }
  request.resume();
}
