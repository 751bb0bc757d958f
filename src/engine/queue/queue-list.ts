/** All queues, and what is in them. */
import { failure } from "../../api/errors.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type { QueueListRequest, QueueListResult, QueueSummary } from "../../api/queues.ts";
import { callStore } from "../store-failure.ts";
import { checkQueue } from "./checked-queue.ts";
import {
  deadLetterPrefix,
  messagePrefix,
  messagesOf,
  partsOfName,
  type QueueId,
} from "./message.ts";
import { QueueCount } from "./queue-count.ts";
import type { QueueParts } from "./queue-parts.ts";
import { rowLimit } from "./row-limit.ts";

export class QueueList {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** Queues in an order of the store's; those with nothing in them are not there. */
  async list(request: QueueListRequest): Promise<QueueListResult> {
    const limit = rowLimit(request.limit);
    if (request.queue !== undefined && request.queue.trim() !== "") return this.#only(request);
    const namespace =
      request.namespace === undefined || request.namespace.trim() === ""
        ? undefined
        : normalizeNamespace(request.namespace, this.#parts.options.defaultNamespace);
    const queues: QueueSummary[] = [];
    const count = new QueueCount(this.#parts.options.store);
    let after = checkCursor(request.cursor);
    while (queues.length < limit) {
      const target = await this.#next(namespace, after);
      if (target === undefined) return { queues, cursor: undefined };
      const summary = await this.#summary(target, count);
      // All there is may wait for the decision of a transaction: then there is nothing yet.
      if (!isEmpty(summary)) queues.push(summary);
      after = `${target.namespace}/${target.queue}`;
    }
    return { queues, cursor: after };
  }

  async #only({ namespace, queue }: QueueListRequest): Promise<QueueListResult> {
    const target = checkQueue({ namespace, queue }, this.#parts.options.defaultNamespace);
    const summary = await this.#summary(target, new QueueCount(this.#parts.options.store));
    return { queues: isEmpty(summary) ? [] : [summary], cursor: undefined };
  }

  /** The first queue after `after` that has messages or dead letters; two short listings. */
  async #next(
    namespace: string | undefined,
    after: string | undefined,
  ): Promise<QueueId | undefined> {
    const found = await Promise.all(
      [messagePrefix, deadLetterPrefix].map((kind) => this.#nextOf(kind, namespace, after)),
    );
    const [one, other] = found;
    if (one === undefined || other === undefined) return one ?? other;
    // The order in which their messages' names stand, or the next listing would skip one.
    return messagesOf(one) <= messagesOf(other) ? one : other;
  }

  async #nextOf(
    kind: string,
    namespace: string | undefined,
    after: string | undefined,
  ): Promise<QueueId | undefined> {
    const prefix = namespace === undefined ? kind : `${kind}${namespace}/`;
    // "0" follows "/" in byte order: past every message of the queue `after`.
    const options = after === undefined ? { limit: 1 } : { limit: 1, after: `${kind}${after}0` };
    const page = await callStore(() => this.#parts.options.store.list(prefix, options));
    return page.names[0] === undefined ? undefined : partsOfName(page.names[0])?.target;
  }

  #summary(target: QueueId, count: QueueCount): Promise<QueueSummary> {
    return this.#parts.directory.with(target, async (queue) => {
      const { clock } = this.#parts.options;
      await queue.look();
      const head = queue.head();
      const { ready, delayed, inFlight, dead, atLeast } = await count.all(queue, clock.wallMs());
      const stored =
        head === undefined
          ? undefined
          : await this.#parts.messages.look({ ...target, messageId: head });
      const ageMs = stored === undefined ? 0 : clock.wallMs() - stored.message.enqueuedAtMs;
      return {
        namespace: target.namespace,
        queue: target.queue,
        ready,
        delayed,
        inFlight,
        dead,
        oldestAgeSeconds: stored === undefined ? undefined : Math.max(0, Math.floor(ageMs / 1000)),
        ...(atLeast.length === 0 ? {} : { atLeast }),
      };
    });
  }
}

function isEmpty({ ready, delayed, inFlight, dead }: QueueSummary): boolean {
  return ready + delayed + inFlight + dead === 0;
}

function checkCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined || cursor === "") return undefined;
  if (/^[a-z0-9._-]{1,128}\/[a-z0-9._-]{1,128}$/.test(cursor)) return cursor;
  throw failure("invalid_queue_option", "cursor: pass it as the page before gave it");
}
