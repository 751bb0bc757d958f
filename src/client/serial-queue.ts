import { untilAborted } from "./until-aborted.ts";

/** Runs pieces of work one after the other, in call order; a failed one does not stop the next. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Work whose signal aborts before its turn is dropped. */
  run<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const result = this.#last.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    this.#last = result.catch(() => {});
    return untilAborted(result, signal);
  }
}
