/**
 * A subscription: deliveries as they come, at most a window of them unresolved (http-queue.md
 * section 8). Without the window a slow consumer would have the whole queue leased into its
 * buffers, and every lease would lapse unprocessed.
 */
import type { LockdCall } from "../../api/lockd.ts";
import type { Delivery, DeliveryStream } from "../../api/queues.ts";
import { windowRecheckMs } from "../limits.ts";
import type { ScheduledCall } from "../ports/clock.ts";
import type { CheckedDequeue } from "./checked-queue.ts";
import type { Dequeuer } from "./dequeuer.ts";
import type { LiveQueue } from "./live-queue.ts";
import type { Message } from "./message.ts";
import type { QueueParts } from "./queue-parts.ts";

interface Unresolved {
  readonly leaseId: string;
  expiresAtMs: number;
}

export interface SubscriptionParts {
  readonly parts: QueueParts;
  readonly dequeuer: Dequeuer;
  readonly request: CheckedDequeue;
  readonly call: LockdCall;
}

export class Subscription implements DeliveryStream {
  readonly #parts: QueueParts;
  readonly #dequeuer: Dequeuer;
  readonly #request: CheckedDequeue;
  readonly #stopped = new AbortController();
  readonly #unresolved = new Map<string, Unresolved>();
  readonly #unlisten: () => void;
  readonly #onAbort = (): void => this.#stopped.abort();
  readonly #signal: AbortSignal | undefined;
  #first: Delivery | undefined;
  #freed: (() => void) | undefined;

  constructor(given: SubscriptionParts, from: { queue: LiveQueue; first: Delivery }) {
    this.#parts = given.parts;
    this.#dequeuer = given.dequeuer;
    this.#request = given.request;
    this.#signal = given.call.signal;
    this.#first = from.first;
    this.#unlisten = from.queue.listen((messageId, message) => this.#changed(messageId, message));
    this.#track(from.first);
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery> {
    try {
      for (let next = await this.#next(); next !== undefined; next = await this.#next()) {
        yield next;
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    const unread = this.#first;
    this.#first = undefined;
    this.#stopped.abort();
    this.#unlisten();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#freed?.();
    // Nobody has seen it: it need not wait for its lease to end.
    if (unread !== undefined) await this.#dequeuer.giveBack(unread).catch(() => undefined);
  }

  /** The next delivery, or undefined at the end of the stream. */
  async #next(): Promise<Delivery | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first;
    while (!this.#stopped.signal.aborted) {
      if (this.#unresolved.size >= this.#request.pageSize) {
        // Nobody waits for a window that only its own consumer can open.
        await this.#roomInWindow();
        continue;
      }
      return this.#take();
    }
    return undefined;
  }

  async #take(): Promise<Delivery | undefined> {
    const waitMs = this.#request.waitSeconds === 0 ? 0 : undefined;
    const { signal } = this.#stopped;
    try {
      const delivery = await this.#parts.directory.withConsumer(this.#request, (queue) =>
        this.#dequeuer.take(queue, this.#request, { waitMs, signal }),
      );
      if (delivery !== undefined) this.#track(delivery);
      return delivery;
    } catch (error) {
      if (signal.aborted || isDraining(error)) return undefined;
      throw error;
    }
  }

  #track({ messageId, leaseId, leaseExpiresAtUnix }: Delivery): void {
    this.#unresolved.set(messageId, { leaseId, expiresAtMs: leaseExpiresAtUnix * 1000 });
  }

  /** A message was written: the delivery may be resolved now, or its lease end later. */
  #changed(messageId: string | undefined, message: Message | undefined): void {
    if (messageId === undefined) return;
    const delivery = this.#unresolved.get(messageId);
    if (delivery === undefined) return;
    if (message?.lease?.id === delivery.leaseId) {
      delivery.expiresAtMs = message.lease.expiresAtUnix * 1000;
      return;
    }
    this.#unresolved.delete(messageId);
    this.#freed?.();
  }

  /** Waits until a delivery is resolved, here or by what the store says. */
  async #roomInWindow(): Promise<void> {
    await this.#freedWithin(this.#patienceMs());
    if (this.#stopped.signal.aborted) return;
    const nowMs = this.#parts.options.clock.wallMs();
    for (const [messageId, { expiresAtMs }] of this.#unresolved) {
      if (expiresAtMs <= nowMs) this.#unresolved.delete(messageId);
    }
    if (!this.#parts.options.store.capabilities.exclusive) await this.#recheckOldest();
  }

  /** Others may settle without telling us; where nobody else writes only the clock matters. */
  #patienceMs(): number {
    if (!this.#parts.options.store.capabilities.exclusive) return windowRecheckMs;
    let firstEnd = Number.POSITIVE_INFINITY;
    for (const { expiresAtMs } of this.#unresolved.values()) {
      firstEnd = Math.min(firstEnd, expiresAtMs);
    }
    return Math.max(1, firstEnd - this.#parts.options.clock.wallMs());
  }

  async #recheckOldest(): Promise<void> {
    if (this.#unresolved.size < this.#request.pageSize) return;
    const { namespace, queue } = this.#request;
    for (const [messageId, delivery] of [...this.#unresolved]) {
      const at = { namespace, queue, messageId };
      const stored = await this.#parts.messages.look(at).catch(() => "unknown" as const);
      if (stored === "unknown") return;
      const lease = stored?.message.lease;
      if (lease?.id === delivery.leaseId) delivery.expiresAtMs = lease.expiresAtUnix * 1000;
      else this.#unresolved.delete(messageId);
    }
  }

  #freedWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: ScheduledCall | undefined;
      const done = (): void => {
        timer?.cancel();
        this.#freed = undefined;
        resolve();
      };
      this.#freed = done;
      timer = this.#parts.options.clock.schedule(ms, done);
      this.#stopped.signal.addEventListener("abort", done, { once: true });
    });
  }
}

function isDraining(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === "shutdown_draining";
}
