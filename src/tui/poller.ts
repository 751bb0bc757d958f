/** Looks at one server again and again, and says so when it does not answer. */
import type { Dashboard } from "./dashboard.ts";
import { lookTimeoutMs, retryMsMax } from "./limits.ts";
import type { DashboardSource, Failure } from "./source/dashboard-source.ts";
import { lookRequest, questionOf } from "./view-model/look-request.ts";

export interface PollerOptions {
  readonly dashboard: Dashboard;
  readonly source: DashboardSource;
  readonly server: number;
  readonly describe: (error: unknown) => Failure;
  readonly now: () => number;
}

/** Runs from `start` to `stop`; both may be called again. One look at a time. */
export class Poller {
  readonly #options: PollerOptions;
  readonly #stopping = new AbortController();
  #wake: () => void = () => {};
  #isWoken = false;
  #running: Promise<void> | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Look again now, also while paused. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      const isDue = !this.#options.dashboard.state.paused || this.#isWoken;
      this.#isWoken = false;
      if (isDue) failures = (await this.#look(signal)) ? 0 : failures + 1;
      const { refreshMs } = this.#options.dashboard.state;
      const longest = Math.max(refreshMs, retryMsMax);
      await this.#pause(Math.min(longest, refreshMs * Math.max(1, failures)));
    }
  }

  /** True when there was an answer. */
  async #look(stopping: AbortSignal): Promise<boolean> {
    const { dashboard, source, server, describe, now } = this.#options;
    const request = lookRequest(dashboard.state, server);
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(lookTimeoutMs)]);
    try {
      const look = await source.look(request, signal);
      const question = questionOf(request);
      if (!stopping.aborted)
        dashboard.dispatch({ kind: "looked", server, look, question, nowMs: now() });
      return true;
    } catch (error) {
      if (stopping.aborted) return false;
      const failure = signal.aborted
        ? { code: "timeout", detail: `no answer within ${lookTimeoutMs / 1000}s` }
        : describe(error);
      dashboard.dispatch({ kind: "lookFailed", server, failure, nowMs: now() });
      return false;
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted || this.#isWoken) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
