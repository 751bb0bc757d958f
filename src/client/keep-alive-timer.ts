import type { ClientClock } from "./client-ports.ts";
import { keepAlivePeriodMsMin } from "./limits.ts";

/**
 * Renews a lease every max(ttl/2, 1 s) until it is stopped or a renewal fails. Modes: running,
 * suspended (while a release is under way, when a failing renewal means nothing), stopped. A
 * failure stops it and is told once.
 */
export class KeepAliveTimer {
  readonly #clock: ClientClock;
  readonly #periodMs: number;
  readonly #renew: () => Promise<unknown>;
  readonly #failed: (error: unknown) => void;
  #timer: { cancel(): void } | undefined;
  #running: Promise<void> = Promise.resolve();
  #mode: "running" | "suspended" | "stopped" = "running";

  constructor(options: {
    readonly clock: ClientClock;
    readonly ttlMs: number;
    readonly renew: () => Promise<unknown>;
    readonly failed: (error: unknown) => void;
  }) {
    this.#clock = options.clock;
    this.#periodMs = Math.max(options.ttlMs / 2, keepAlivePeriodMsMin);
    this.#renew = options.renew;
    this.#failed = options.failed;
  }

  start(): void {
    if (this.#mode !== "running" || this.#timer !== undefined) return;
    this.#timer = this.#clock.schedule(this.#periodMs, () => {
      this.#running = this.#turn();
    });
  }

  suspend(): void {
    if (this.#mode !== "running") return;
    this.#mode = "suspended";
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  resume(): void {
    if (this.#mode !== "suspended") return;
    this.#mode = "running";
    this.start();
  }

  /** Ends renewing; resolves when a renewal under way is over. */
  async stop(): Promise<void> {
    this.#mode = "stopped";
    this.#timer?.cancel();
    await this.#running;
  }

  async #turn(): Promise<void> {
    this.#timer = undefined;
    try {
      await this.#renew();
      this.start();
    } catch (error) {
      if (this.#mode !== "running") return;
      this.#mode = "stopped";
      this.#failed(error);
    }
  }
}
