/**
 * The clock that leases are counted on: it never jumps, goes on while the machine sleeps, and reads
 * the same in every process of the machine, so that the watchdog can be told a time.
 */
import { uptime } from "node:os";

/** Raw clocks in milliseconds; the real ones unless a test says otherwise. */
export interface RawClocks {
  /** Never jumps; on Linux it stands still while the machine sleeps. */
  readonly steadyMs: () => number;
  /** Time since boot, sleep included, but coarse; undefined where the steady clock counts sleep. */
  readonly bootMs: (() => number) | undefined;
}

const systemClocks: RawClocks = {
  steadyMs: () => Number(process.hrtime.bigint()) / 1e6,
  // Elsewhere uptime follows the wall clock, and the steady clock already counts sleep.
  bootMs: process.platform === "linux" ? () => uptime() * 1_000 : undefined,
};

/** Reads both clocks; see {@link LeaseClock.nowMs}. */
export class LeaseClock {
  readonly #raw: RawClocks;
  /** How far time since boot is ahead of the steady clock: the time slept. Only ever grows. */
  #sleptMs: number;

  constructor(raw: RawClocks = systemClocks) {
    this.#raw = raw;
    this.#sleptMs = this.#ahead();
  }

  /** Milliseconds since an origin that all processes of this machine share. */
  nowMs(): number {
    this.#sleptMs = Math.max(this.#sleptMs, this.#ahead());
    return this.#raw.steadyMs() + this.#sleptMs;
  }

  /** What another process has to know to read the same time; see {@link follow}. */
  get sleptMs(): number {
    return this.#sleptMs;
  }

  /** Time since boot is coarse: whoever has seen more of it is right. */
  follow(sleptMs: number): void {
    this.#sleptMs = Math.max(this.#sleptMs, sleptMs);
  }

  #ahead(): number {
    const steadyMs = this.#raw.steadyMs();
    return this.#raw.bootMs === undefined ? 0 : this.#raw.bootMs() - steadyMs;
  }
}
