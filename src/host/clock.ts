import { performance } from "node:perf_hooks";
import type { Clock, Instant, Monotonic, ScheduledCall } from "../engine/ports/clock.ts";

/** Fraction of elapsed time by which our wall clock follows the real one when they differ. */
const slewRate = 0.01;

/** Milliseconds of difference that are reported as a step. */
const stepReportMs = 1_000;

/** `setTimeout` cannot count further; a longer delay is scheduled again when this one is over. */
const timeoutMsMax = 2_147_483_647;

export interface SystemClockOptions {
  /** Time sources; the real ones unless a test says otherwise. */
  readonly wallMs?: () => number;
  readonly monotonicMs?: () => number;
  /** Called once a step: milliseconds the real wall clock is ahead of ours. */
  readonly onStep?: (aheadMs: number) => void;
}

/**
 * The wall clock leases are judged by: read once, then advanced by the monotonic clock, so that
 * neither an NTP step nor `date -s` ends a lease early or keeps it for ever. A difference to the
 * real wall clock is closed at no more than 1 % of elapsed time, which holders' margins cover.
 */
export class SystemClock implements Clock {
  readonly #realWallMs: () => number;
  readonly #realMonotonicMs: () => number;
  readonly #onStep: (aheadMs: number) => void;
  #wall: number;
  #readAt: number;
  #stepReported = false;

  constructor(options: SystemClockOptions = {}) {
    this.#realWallMs = options.wallMs ?? Date.now;
    this.#realMonotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#onStep = options.onStep ?? (() => {});
    this.#wall = this.#realWallMs();
    this.#readAt = this.#realMonotonicMs();
  }

  wallMs(): Instant {
    const now = this.#realMonotonicMs();
    const elapsed = now - this.#readAt;
    this.#readAt = now;
    const ahead = this.#realWallMs() - (this.#wall + elapsed);
    const correction = Math.max(-elapsed * slewRate, Math.min(elapsed * slewRate, ahead));
    this.#wall += elapsed + correction;
    const stepped = Math.abs(ahead) > stepReportMs;
    if (stepped && !this.#stepReported) this.#onStep(Math.round(ahead));
    this.#stepReported = stepped;
    return Math.floor(this.#wall) as Instant;
  }

  monotonicMs(): Monotonic {
    return this.#realMonotonicMs() as Monotonic;
  }

  schedule(delayMs: number, run: () => void): ScheduledCall {
    const until = this.#realMonotonicMs() + delayMs;
    const arm = (): NodeJS.Timeout => {
      const leftMs = Math.max(0, until - this.#realMonotonicMs());
      const last = leftMs <= timeoutMsMax;
      const timer = setTimeout(
        () => {
          if (last) run();
          else pending = arm();
        },
        Math.min(Math.ceil(leftMs), timeoutMsMax),
      );
      return timer.unref();
    };
    let pending = arm();
    return { cancel: () => clearTimeout(pending) };
  }
}
