/** Follows what happens on one server; hands it over in batches, so that a storm stays cheap. */
import type { Dashboard } from "./dashboard.ts";
import { eventBatchMs, eventsPerBatchMax, retryMsMax } from "./limits.ts";
import type { DashboardSource, Happening } from "./source/dashboard-source.ts";
import type { QueueTally } from "./view-model/events.ts";
import { queueId } from "./view-model/queue-rates.ts";

export interface FollowerOptions {
  readonly dashboard: Dashboard;
  readonly source: DashboardSource;
  readonly server: number;
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #stopping = new AbortController();
  #last: string | undefined;
  #events: Happening[] = [];
  #tally = new Map<string, QueueTally>();
  #skipped = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Connects again after every break; what happened in between is asked for by the last id. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const isToldOf = await this.#follow(signal);
        if (!isToldOf) return this.#say("unavailable");
      } catch {
        // The poller says what is wrong with the server; here it is only tried again.
      }
      this.#say("no");
      await pause(retryMsMax / 2, signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<boolean> {
    const stream = await this.#options.source.follow(this.#last, signal);
    if (stream === undefined) return false;
    this.#say("yes");
    for await (const event of stream) {
      if (signal.aborted) break;
      this.#last = event.id;
      if (event.kind !== "ready") this.#add(event);
    }
    return true;
  }

  #say(following: "no" | "yes" | "unavailable"): void {
    if (this.#stopping.signal.aborted) return;
    const { dashboard, server } = this.#options;
    if (dashboard.state.servers[server]?.following === following) return;
    dashboard.dispatch({ kind: "following", server, following });
  }

  #add(event: Happening): void {
    this.#events.push(event);
    if (this.#events.length > eventsPerBatchMax) {
      this.#events.shift();
      this.#skipped += 1;
    }
    this.#count(event);
    this.#timer ??= setTimeout(() => this.#flush(), eventBatchMs);
  }

  #count({ kind, namespace = "", queue }: Happening): void {
    if (queue === undefined) return;
    const isIn = kind === "queue_enqueued";
    if (!isIn && kind !== "queue_settled") return;
    const id = queueId({ namespace, queue });
    const before = this.#tally.get(id) ?? { in: 0, out: 0 };
    this.#tally.set(id, { in: before.in + (isIn ? 1 : 0), out: before.out + (isIn ? 0 : 1) });
  }

  #flush(): void {
    this.#timer = undefined;
    const { dashboard, server } = this.#options;
    const batch = { events: this.#events, tally: this.#tally, skipped: this.#skipped };
    this.#events = [];
    this.#tally = new Map();
    this.#skipped = 0;
    dashboard.dispatch({ kind: "happened", server, ...batch });
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
