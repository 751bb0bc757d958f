/**
 * Counting what is in a queue. Where this process is the only writer, or its last look came to the
 * end of the queue, memory knows. Elsewhere a look stops as soon as there is enough to deliver, and
 * records are read for the numbers alone: up to a limit, and whoever asks is told when that was
 * reached.
 */
import type { QueueCounted } from "../../api/queues.ts";
import { queueCountScanMax } from "../limits.ts";
import { listLimitMax, type Store } from "../ports/store.ts";
import { callStore, unlessDamaged } from "../store-failure.ts";
import type { LiveQueue } from "./live-queue.ts";
import { deadLettersOf, messagesOf, type QueueId } from "./message.ts";
import { readFacts } from "./message-codec.ts";
import { isMessageId } from "./message-ids.ts";
import { type ReadyCounts, ReadySet } from "./ready-set.ts";

export interface QueueCounts extends ReadyCounts {
  readonly dead: number;
  /** What there may be more of. */
  readonly atLeast: readonly QueueCounted[];
}

/** The counts of one call: together they look at so many records, and at one page of each queue. */
export class QueueCount {
  readonly #store: Store;
  #left = queueCountScanMax;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The queue has just been looked at. @throws store errors */
  async all(queue: LiveQueue, nowMs: number): Promise<QueueCounts> {
    const messages = await this.messages(queue, nowMs);
    const dead = await this.#dead(queue.target);
    const atLeast: QueueCounted[] = [];
    if (!messages.isAll) atLeast.push("messages");
    if (!dead.isAll) atLeast.push("dead");
    return { ...messages.counts, dead: dead.count, atLeast };
  }

  /** As `all`, without the dead letters. */
  async messages(
    queue: LiveQueue,
    nowMs: number,
  ): Promise<{ readonly counts: ReadyCounts; readonly isAll: boolean }> {
    if (queue.knowsAll) return { counts: queue.known.counts(), isAll: true };
    const found = new ReadySet();
    const prefix = messagesOf(queue.target);
    const isAll = await this.#pages(async (options) => {
      const page = await callStore(() => this.#store.scan(prefix, options));
      for (const { name, bytes } of page.objects) {
        const messageId = name.slice(prefix.length);
        // A damaged one is nobody's to deliver, and is told of by the look.
        const read = unlessDamaged(() => readFacts(name, bytes));
        if (!isMessageId(messageId) || "damage" in read || read.value.staged) continue;
        found.set(messageId, read.value, { nowMs, seen: 1 });
      }
      return { ...page, seen: page.objects.length, last: page.objects.at(-1)?.name };
    });
    return { counts: found.counts(), isAll };
  }

  async #dead(target: QueueId): Promise<{ readonly count: number; readonly isAll: boolean }> {
    const prefix = deadLettersOf(target);
    let count = 0;
    const isAll = await this.#pages(async (options) => {
      const page = await callStore(() => this.#store.list(prefix, options));
      count += page.names.length;
      return { ...page, seen: page.names.length, last: page.names.at(-1) };
    });
    return { count, isAll };
  }

  /** Page after page, until the last one or the limit; true when it was the last one. */
  async #pages(
    look: (options: { readonly limit: number; readonly after: string | undefined }) => Promise<{
      readonly seen: number;
      readonly last: string | undefined;
      readonly more: boolean;
    }>,
  ): Promise<boolean> {
    let left = Math.max(this.#left, listLimitMax);
    let after: string | undefined;
    while (left > 0) {
      const page = await look({ limit: Math.min(left, listLimitMax), after });
      left -= page.seen;
      this.#left -= page.seen;
      if (!page.more || page.last === undefined) return true;
      after = page.last;
    }
    return false;
  }
}
