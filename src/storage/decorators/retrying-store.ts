import type { Clock } from "../../engine/ports/clock.ts";
import type { Random } from "../../engine/ports/random.ts";
import {
  type ApplyResult,
  type ChangePage,
  type NamePage,
  type ObjectPage,
  type ObjectStream,
  type PageOptions,
  type Plan,
  type Store,
  type StoredObject,
  StoreFailure,
  type StreamPage,
} from "../../engine/ports/store.ts";
import { ForwardingStore } from "./forwarding-store.ts";

export interface RetryOptions {
  /** Tries in all; 6 (`storage-retry-attempts`). */
  readonly attempts: number;
  /** Milliseconds: first pause, growth, longest pause. */
  readonly baseMs: number;
  readonly multiplier: number;
  readonly maxMs: number;
}

/** The contract's defaults for local stores (cli.md section 15). */
export const retryDefaults: RetryOptions = {
  attempts: 6,
  baseMs: 100,
  multiplier: 2,
  maxMs: 5_000,
};

/**
 * Repeats calls that certainly changed nothing and may work a moment later. A write of unknown
 * outcome is no such call: it is handed up as it is, for the one who can recognise its own write.
 * Streams are not repeated either: their source can be read once.
 */
export class RetryingStore extends ForwardingStore {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: RetryOptions;

  constructor(
    inner: Store,
    ports: { readonly clock: Clock; readonly random: Random },
    options: RetryOptions = retryDefaults,
  ) {
    super(inner);
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#options = options;
  }

  override get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return this.#retried(() => super.get(name, signal), signal);
  }

  override getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]> {
    return this.#retried(() => super.getMany(names, signal), signal);
  }

  override getStream(name: string, signal?: AbortSignal): Promise<ObjectStream | undefined> {
    return this.#retried(() => super.getStream(name, signal), signal);
  }

  override apply(plan: Plan): Promise<ApplyResult> {
    return this.#retried(() => super.apply(plan));
  }

  override deleteStream(name: string): Promise<void> {
    return this.#retried(() => super.deleteStream(name));
  }

  override list(prefix: string, options: PageOptions): Promise<NamePage> {
    return this.#retried(() => super.list(prefix, options));
  }

  override scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    return this.#retried(() => super.scan(prefix, options));
  }

  override listStreams(prefix: string, options: PageOptions): Promise<StreamPage> {
    return this.#retried(() => super.listStreams(prefix, options));
  }

  override changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    return this.#retried(() => super.changesSince(cursor, limit));
  }

  async #retried<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { attempts, baseMs, multiplier, maxMs } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run();
      } catch (error) {
        const passing = error instanceof StoreFailure && error.kind === "unavailable";
        if (!passing || attempt >= attempts || signal?.aborted === true) throw error;
      }
      const pauseMs = Math.min(maxMs, baseMs * multiplier ** (attempt - 1));
      const delayMs = pauseMs * (0.5 + this.#random.fraction() / 2);
      await new Promise<void>((resolve) => {
        this.#clock.schedule(delayMs, resolve);
      });
    }
  }
}
