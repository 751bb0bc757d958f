/** What can be seen of a queue without touching it (http-queue.md section 9). */

import type { LockdCall } from "../../api/lockd.ts";
import { acceptedCorrelationId } from "../../api/names.ts";
import type { QueueStats, QueueWatchEvent } from "../../api/queues.ts";
import type { QueueId } from "./message.ts";
import { QueueCount } from "./queue-count.ts";
import type { QueueParts } from "./queue-parts.ts";

/** Looks of a statistic at a head that is gone when it is read. */
const headAttemptsMax = 3;

export class QueueObserver {
  readonly #parts: QueueParts;
  readonly #drained = new AbortController();

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** Ends every watch. */
  drain(): void {
    this.#drained.abort();
  }

  stats(target: QueueId, call: LockdCall): Promise<QueueStats> {
    const { directory, options, messages } = this.#parts;
    const correlationId = this.#correlationId(call);
    return directory.with(target, async (queue) => {
      await queue.look();
      for (let attempt = 0; ; attempt += 1) {
        const head = queue.head();
        const stored =
          head === undefined ? undefined : await messages.look({ ...target, messageId: head });
        if (head !== undefined && stored === undefined && attempt < headAttemptsMax) {
          queue.forget(head);
          continue;
        }
        const count = new QueueCount(options.store);
        const pending = await count.messages(queue, options.clock.wallMs());
        const message = stored?.message;
        const ageMs = options.clock.wallMs() - (message?.enqueuedAtMs ?? 0);
        const ageSeconds = message === undefined ? 0 : Math.max(0, Math.floor(ageMs / 1000));
        return {
          namespace: target.namespace,
          queue: target.queue,
          waitingConsumers: queue.line.length,
          pendingCandidates: pending.counts.ready,
          ...(pending.isAll ? {} : { pendingAtLeast: true }),
          totalConsumers: directory.consumers,
          hasActiveWatcher: queue.isComplete || options.store.capabilities.watch,
          available: message !== undefined,
          headMessageId: message === undefined ? undefined : head,
          headEnqueuedAtUnix: secondsOf(message?.enqueuedAtMs),
          headNotVisibleUntilUnix: secondsOf(message?.notVisibleUntilMs),
          headAgeSeconds: ageSeconds === 0 ? undefined : ageSeconds,
          correlationId,
        };
      }
    });
  }

  /** The snapshot now, then every change of it, until the signal aborts or the drain begins. */
  async *watch(target: QueueId, call: LockdCall): AsyncGenerator<QueueWatchEvent> {
    const correlationId = this.#correlationId(call);
    const { directory, options } = this.#parts;
    const ended = AbortSignal.any(
      [this.#drained.signal, call.signal].filter((signal) => signal !== undefined),
    );
    let wake: (() => void) | undefined;
    const onEnd = (): void => wake?.();
    ended.addEventListener("abort", onEnd, { once: true });
    const queue = await directory.with(target, async (found) => found);
    const unlisten = queue.listen(() => wake?.());
    let last: string | undefined | null = null;
    try {
      await queue.look();
      while (!ended.aborted) {
        const head = queue.head();
        if (head !== last) {
          last = head;
          yield {
            namespace: target.namespace,
            queue: target.queue,
            available: head !== undefined,
            headMessageId: head,
            changedAtUnix: Math.floor(options.clock.wallMs() / 1000),
            correlationId,
          };
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          // The queue's own timer serves those who watch it, too.
          queue.serve();
          if (ended.aborted) resolve();
        });
        wake = undefined;
      }
    } finally {
      unlisten();
      ended.removeEventListener("abort", onEnd);
    }
  }

  #correlationId(call: LockdCall): string {
    return acceptedCorrelationId(call.correlationId) ?? this.#parts.options.random.uuid();
  }
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}
