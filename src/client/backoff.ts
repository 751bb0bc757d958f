import type { CallBackoff } from "./carrier-call.ts";
import type { ClientRandom } from "./client-ports.ts";
import { retryHintMsMax, updatePauseMsMax, updatePauseMsMin } from "./limits.ts";

/** Pauses of a waiting acquire: growing, jittered, and never below what the server asks for. */
export class AcquirePauses {
  readonly #backoff: CallBackoff;
  readonly #random: ClientRandom;
  #nextMs: number;

  constructor(backoff: CallBackoff, random: ClientRandom) {
    this.#backoff = backoff;
    this.#random = random;
    this.#nextMs = backoff.baseMs;
  }

  /** Milliseconds to wait now. */
  next(hintMs: number | undefined): number {
    const { multiplier, maxMs, jitterMs } = this.#backoff;
    const jitter = (this.#random.fraction() * 2 - 1) * jitterMs;
    const pauseMs = Math.max(0, Math.min(this.#nextMs, maxMs) + jitter);
    this.#nextMs = Math.min(this.#nextMs * multiplier, maxMs);
    return Math.max(pauseMs, Math.min(hintMs ?? 0, retryHintMsMax));
  }
}

/** Pause before retry `retry` (from 1) of an update: doubling, a hint counts up to the cap. */
export function updatePauseMs(retry: number, hintMs: number | undefined): number {
  const doublings = Math.min(retry - 1, 16);
  const pauseMs = Math.min(updatePauseMsMin * 2 ** doublings, updatePauseMsMax);
  return Math.max(pauseMs, Math.min(hintMs ?? 0, updatePauseMsMax));
}
