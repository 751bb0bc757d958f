/**
 * A subscription: deliveries as they come, at most a window of them unresolved (http-queue.md
 * section 8). Without the window a slow consumer would have the whole queue leased into its
 * buffers, and every lease would lapse unprocessed.
 */
import type { LockdCall } from "../../api/lockd.ts";
import type { Delivery, DeliveryStream } from "../../api/queues.ts";
import { streamAheadMax, windowRecheckMs } from "../limits.ts";
import type { ScheduledCall } from "../ports/clock.ts";
import type { CheckedDequeue } from "./checked-queue.ts";
import type { Dequeuer } from "./dequeuer.ts";
import type { LiveQueue } from "./live-queue.ts";
import type { Message } from "./message.ts";
import type { QueueParts } from "./queue-parts.ts";

interface Unresolved {
  readonly leaseId: string;
  readonly fencingToken: number;
  expiresAtMs: number;
}

export interface SubscriptionParts {
  readonly parts: QueueParts;
  readonly dequeuer: Dequeuer;
  readonly request: CheckedDequeue;
  readonly call: LockdCall;
  /** Called when the stream is over. */
  readonly closed: () => void;
}

export class Subscription implements DeliveryStream {
  readonly #parts: QueueParts;
  readonly #dequeuer: Dequeuer;
  readonly #request: CheckedDequeue;
  readonly #queue: LiveQueue;
  readonly #stopped = new AbortController();
  readonly #unresolved = new Map<string, Unresolved>();
  readonly #unlisten: () => void;
  readonly #onAbort = (): void => this.#stopped.abort();
  readonly #signal: AbortSignal | undefined;
  readonly #closed: () => void;
  /** Leased and not asked for yet: a few, so that their claims share a disk's sync. */
  #ahead: Delivery[];
  #freed: (() => void) | undefined;

  constructor(given: SubscriptionParts, from: { queue: LiveQueue; first: Delivery }) {
    this.#parts = given.parts;
    this.#dequeuer = given.dequeuer;
    this.#request = given.request;
    this.#signal = given.call.signal;
    this.#closed = given.closed;
    this.#queue = from.queue;
    this.#ahead = [from.first];
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

  /** No more deliveries: the stream ends cleanly, also while its window is full. */
  end(): void {
    this.#stopped.abort();
  }

  async close(): Promise<void> {
    this.#closed();
    const unread = this.#ahead.splice(0);
    this.#stopped.abort();
    this.#unlisten();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#freed?.();
    // Nobody has seen them: they need not wait for their leases to end.
    await Promise.allSettled(unread.map((delivery) => this.#dequeuer.giveBack(delivery)));
  }

  /** The next delivery, or undefined at the end of the stream. */
  async #next(): Promise<Delivery | undefined> {
    while (!this.#stopped.signal.aborted) {
      const next = this.#ahead.shift();
      if (next !== undefined) {
        if (this.#isHeld(next)) return next;
        continue;
      }
      if (this.#unresolved.size >= this.#request.pageSize) {
        // Who does not wait for messages waits for room only while there is one to take it:
        // otherwise the last delivery's lease would end, and the stream begin anew with it.
        if (this.#request.waitSeconds === 0 && !(await this.#hasMore())) return undefined;
        // Nobody waits for a window that only its own consumer can open.
        await this.#roomInWindow();
        continue;
      }
      if (!(await this.#take())) return undefined;
    }
    return undefined;
  }

  /** False when nothing more will come. */
  async #take(): Promise<boolean> {
    const waitMs = this.#request.waitSeconds === 0 ? 0 : undefined;
    const { signal } = this.#stopped;
    const room = this.#request.pageSize - this.#unresolved.size;
    const count = Math.min(room, streamAheadMax);
    try {
      const page = await this.#parts.directory.withConsumer(this.#request, (queue) =>
        this.#dequeuer.takeSome(queue, this.#request, { count, waitMs, signal }),
      );
      for (const delivery of page) this.#track(delivery);
      this.#ahead.push(...page);
      // Closed meanwhile: nobody will ask for these.
      if (signal.aborted) await this.close();
      return page.length > 0;
    } catch (error) {
      if (signal.aborted || isDraining(error)) return false;
      throw error;
    }
  }

  async #hasMore(): Promise<boolean> {
    await this.#queue.look();
    return this.#queue.head() !== undefined;
  }

  /** False when its lease ended while its consumer was busy with those before. */
  #isHeld({ messageId, leaseId, leaseExpiresAtUnix, payload }: Delivery): boolean {
    const held = leaseExpiresAtUnix * 1000 > this.#parts.options.clock.wallMs();
    if (held) return true;
    if (this.#unresolved.get(messageId)?.leaseId === leaseId) this.#unresolved.delete(messageId);
    if (!(payload instanceof Uint8Array)) void payload.close().catch(() => undefined);
    return false;
  }

  #track({ messageId, leaseId, fencingToken, leaseExpiresAtUnix }: Delivery): void {
    const expiresAtMs = leaseExpiresAtUnix * 1000;
    this.#unresolved.set(messageId, { leaseId, fencingToken, expiresAtMs });
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
    // Told late, by a producer whose answer took longer than the delivery: nothing was resolved.
    if (message !== undefined && message.fencingToken < delivery.fencingToken) return;
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
