import { LockdError } from "../../api/errors.ts";
import type { QueueAddress, Queues, QueueWatchEvent } from "../../api/queues.ts";
import { note, writeOut } from "../output.ts";
import { pauseOrAbort } from "../pause.ts";
import { isPassing, reconnectPauseMs } from "./reconnect.ts";

export interface WatchTerms {
  readonly address: QueueAddress;
  /** Events after which it ends; undefined: never. */
  readonly count: number | undefined;
  readonly untilAvailable: boolean;
  readonly waitTimeoutMs: number | undefined;
  readonly asText: boolean;
  readonly signal: AbortSignal;
  readonly correlationId: string | undefined;
}

/** `--wait-timeout` was over. */
class WaitTimedOut extends LockdError {
  override readonly name = "WaitTimedOut";

  constructor() {
    super("timeout", "what was waited for did not happen within --wait-timeout");
  }
}

/**
 * Prints events until enough is seen; a broken connection is made again.
 * @throws timeout, the signal's reason, what the server refuses
 */
export async function watchQueue(queues: Pick<Queues, "watch">, terms: WatchTerms): Promise<void> {
  const limit = new AbortController();
  const { waitTimeoutMs } = terms;
  const timer =
    waitTimeoutMs === undefined
      ? undefined
      : setTimeout(() => limit.abort(new WaitTimedOut()), waitTimeoutMs);
  try {
    const signal = AbortSignal.any([terms.signal, limit.signal]);
    await new QueueWatcher(queues, { ...terms, signal }).run();
  } finally {
    clearTimeout(timer);
  }
}

class QueueWatcher {
  readonly #queues: Pick<Queues, "watch">;
  readonly #terms: WatchTerms;
  #seen = 0;
  /** What was printed last: a new connection begins with the present state, known or not. */
  #last = "";

  constructor(queues: Pick<Queues, "watch">, terms: WatchTerms) {
    this.#queues = queues;
    this.#terms = terms;
  }

  async run(): Promise<void> {
    const { signal } = this.#terms;
    for (let failures = 0; ; failures += 1) {
      try {
        const seen = this.#seen;
        if (await this.#once()) return;
        if (this.#seen > seen) failures = 0;
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error)) throw error;
        if (failures === 0) note(`lockd watch: ${error instanceof Error ? error.message : ""}`);
      }
      await pauseOrAbort(reconnectPauseMs(failures), signal);
      signal.throwIfAborted();
    }
  }

  /** One connection. True when enough was seen. */
  async #once(): Promise<boolean> {
    const { address, signal, correlationId, count, untilAvailable } = this.#terms;
    const events = await this.#queues.watch(address, { signal, correlationId });
    for await (const event of events) {
      const key = `${event.available} ${event.headMessageId}`;
      if (key !== this.#last) {
        this.#last = key;
        this.#seen += 1;
        await writeOut(this.#terms.asText ? eventText(event) : eventJson(event));
      }
      if (untilAvailable && event.available) return true;
      if (count !== undefined && this.#seen >= count) return true;
    }
    signal.throwIfAborted();
    return false;
  }
}

function eventText({ changedAtUnix, available, headMessageId }: QueueWatchEvent): string {
  return `${changedAtUnix} ${available} ${headMessageId ?? "-"}\n`;
}

function eventJson(event: QueueWatchEvent): string {
  const value = {
    namespace: event.namespace,
    queue: event.queue,
    available: event.available,
    head_message_id: event.headMessageId,
    changed_at_unix: event.changedAtUnix,
    correlation_id: event.correlationId,
  };
  return `${JSON.stringify(value)}\n`;
}
