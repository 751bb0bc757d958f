/** The queues this process has in memory, and how many consumers wait at them. */
import { failure } from "../../api/errors.ts";
import { trackedQueuesMax } from "../limits.ts";
import type { QueueConsumers } from "../ports/metrics.ts";
import { LiveQueue, type LiveQueuePorts } from "./live-queue.ts";
import type { Message, QueueId } from "./message.ts";
import type { MessageAt } from "./message-shell.ts";

export class QueueDirectory {
  readonly #ports: LiveQueuePorts;
  /** In the order of their last use, so that the first idle one is the one to drop. */
  readonly #queues = new Map<string, LiveQueue>();
  #consumers = 0;

  constructor(ports: LiveQueuePorts) {
    this.#ports = ports;
  }

  /** Consumers waiting or trying, over all queues. */
  get consumers(): number {
    return this.#consumers;
  }

  /** The queues at which consumers wait right now, and how many. */
  waiting(): QueueConsumers["queues"] {
    return [...this.#queues.values()]
      .filter(({ line }) => line.length > 0)
      .map(({ target, line }) => ({ ...target, waiting: line.length }));
  }

  /**
   * Runs `use` with the queue in memory; it stays there until then.
   * @throws queue_busy when too many queues are in use
   */
  async with<Answer>(target: QueueId, use: (queue: LiveQueue) => Promise<Answer>): Promise<Answer> {
    const queue = this.#open(target);
    queue.users += 1;
    try {
      return await use(queue);
    } finally {
      queue.users -= 1;
    }
  }

  /**
   * The same for a consumer, of whom only so many are served at once.
   * @throws queue_busy
   */
  async withConsumer<Answer>(
    target: QueueId,
    use: (queue: LiveQueue) => Promise<Answer>,
  ): Promise<Answer> {
    const { consumersMax } = this.#ports.settings;
    if (this.#consumers >= consumersMax) {
      const detail = `${consumersMax} consumers wait here already`;
      throw failure("queue_busy", detail, { retryAfterMs: 1000 });
    }
    this.#consumers += 1;
    try {
      return await this.with(target, use);
    } finally {
      this.#consumers -= 1;
    }
  }

  /** The queue if it is in memory. */
  peek(target: QueueId): LiveQueue | undefined {
    return this.#queues.get(keyOf(target));
  }

  /** This process wrote a message. */
  changed({ messageId, ...target }: MessageAt, message: Message | undefined): void {
    this.peek(target)?.changed(messageId, message);
  }

  /** Another process wrote something somewhere. */
  storeChanged(): void {
    if (!this.#ports.settings.usesWatch) return;
    for (const queue of this.#queues.values()) queue.storeChanged();
  }

  /** Ends every wait. */
  failAll(error: () => unknown): void {
    for (const queue of this.#queues.values()) queue.line.failAll(error);
  }

  close(): void {
    for (const queue of this.#queues.values()) queue.close();
  }

  #open(target: QueueId): LiveQueue {
    const key = keyOf(target);
    const known = this.#queues.get(key);
    if (known !== undefined) {
      this.#queues.delete(key);
      this.#queues.set(key, known);
      return known;
    }
    if (this.#queues.size >= trackedQueuesMax) this.#makeRoom();
    const fresh = new LiveQueue({ namespace: target.namespace, queue: target.queue }, this.#ports);
    this.#queues.set(key, fresh);
    return fresh;
  }

  #makeRoom(): void {
    for (const [key, queue] of this.#queues) {
      if (!queue.isIdle) continue;
      queue.close();
      this.#queues.delete(key);
      return;
    }
    const detail = `${trackedQueuesMax} queues are in use here already`;
    throw failure("queue_busy", detail, { retryAfterMs: 1000 });
  }
}

function keyOf({ namespace, queue }: QueueId): string {
  return `${namespace}/${queue}`;
}
