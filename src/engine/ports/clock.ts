/** A wall-clock instant: milliseconds since the Unix epoch. Not comparable with a monotonic one. */
export type Instant = number & { readonly __unit: "wall-ms" };

/** A reading of a clock that never jumps: milliseconds since an arbitrary origin. */
export type Monotonic = number & { readonly __unit: "monotonic-ms" };

/** A pending call of {@link Clock.schedule}. */
export interface ScheduledCall {
  /** Forgets the call; safe to repeat and safe after it ran. */
  cancel(): void;
}

/**
 * Time as the engine sees it. The real one lives in `src/host`, the virtual one in `test/sim`.
 */
export interface Clock {
  /** Wall time. Used for everything that is stored (expiry, `updated_at`). */
  wallMs(): Instant;
  /** Elapsed time. Used for deadlines that never leave this process. */
  monotonicMs(): Monotonic;
  /**
   * Calls `run` once after `delayMs` (>= 0). A scheduled call keeps no process alive by itself.
   */
  schedule(delayMs: number, run: () => void): ScheduledCall;
}
