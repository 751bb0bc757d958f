import type { CarrierCall } from "./carrier-call.ts";
import type { ClientClock } from "./client-ports.ts";

/** The time of a call that is made of several. */
export class CallLimit {
  readonly #clock: ClientClock;
  readonly #call: CarrierCall;
  readonly #endMs: number;

  constructor(clock: ClientClock, call: CarrierCall) {
    this.#clock = clock;
    this.#call = call;
    this.#endMs = clock.monotonicMs() + (call.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  /** The call with what is left of its time, which is never nothing: that would be no limit. */
  get left(): CarrierCall {
    const { timeoutMs } = this.#call;
    if (timeoutMs === undefined) return this.#call;
    const leftMs = this.#endMs - this.#clock.monotonicMs();
    return { ...this.#call, timeoutMs: Math.max(Math.min(1, timeoutMs), leftMs) };
  }

  outlasts(ms: number): boolean {
    return this.#clock.monotonicMs() + ms < this.#endMs;
  }
}
