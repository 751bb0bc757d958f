/**
 * One queue in memory: what is known of its messages, who waits for them, and the one timer that
 * serves both. It exists while somebody uses the queue and can be dropped and read again any time.
 *
 * Where this process is the only writer the queue is read once; elsewhere a look at the store goes
 * before every answer that nothing is there, and is repeated while somebody waits. A look is made
 * of pages and takes time: what this process wrote meanwhile is newer than what a page says.
 */
import {
  candidateRetryMs,
  queueLoadPageSize,
  queueTimerMsMax,
  queueWatchPollMs,
  unfinishedRetryMs,
} from "../limits.ts";
import type { Clock, ScheduledCall } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { Store } from "../ports/store.ts";
import { callStore } from "../store-failure.ts";
import { ConsumerLine } from "./consumer-line.ts";
import type { Gate } from "./links.ts";
import { type Message, messagesOf, type QueueId } from "./message.ts";
import { factsOf, readFacts } from "./message-codec.ts";
import { isMessageId } from "./message-ids.ts";
import type { QueueSettings } from "./queue-settings.ts";
import { ReadySet } from "./ready-set.ts";

/** Messages that are cleaned away at once; the rest waits until some of these are done. */
const cleaningMax = 64;

export interface LiveQueuePorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: QueueSettings;
  /**
   * Deletes or buries a message that must not be delivered any more; answers what stands in the
   * way, if something does: the message of its group before it, that it is half enqueued, or that
   * it is gone already.
   */
  readonly cleanUp: (target: QueueId, messageId: string) => Promise<Gate | undefined>;
  /** A look or a cleaning in the background failed. */
  readonly trouble: (target: QueueId, error: unknown) => void;
}

/** Told of every change; `message` is undefined when it is gone, both when it is only a timer's. */
export type QueueListener = (messageId?: string, message?: Message) => void;

export class LiveQueue {
  readonly target: QueueId;
  readonly known = new ReadySet();
  readonly line: ConsumerLine;
  readonly #ports: LiveQueuePorts;
  readonly #listeners = new Set<QueueListener>();
  /** Calls that use the queue right now. */
  users = 0;
  #complete = false;
  /** The last look came to the end of the queue. */
  #sawEnd = false;
  #looking: Promise<void> | undefined;
  #looks = 1;
  /** Written by this process during the look that is going on. */
  #touched: Set<string> | undefined;
  #cleaning = 0;
  #timer: ScheduledCall | undefined;
  #timerAt = 0;
  #pollAt = 0;
  #closed = false;

  constructor(target: QueueId, ports: LiveQueuePorts) {
    this.target = target;
    this.#ports = ports;
    this.line = new ConsumerLine(ports.clock, () => this.#disarmIfUnwatched());
  }

  get isIdle(): boolean {
    return this.users === 0 && this.line.length === 0 && this.#listeners.size === 0;
  }

  /** True when everything there is is known without looking. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** True when, as of the last look, nothing is there that is not known. */
  get knowsAll(): boolean {
    return this.#complete || this.#sawEnd;
  }

  /** A message was written by this process. */
  changed(messageId: string, message: Message | undefined): void {
    if (message?.staged !== undefined) return;
    const nowMs = this.#ports.clock.wallMs();
    this.#touched?.add(messageId);
    if (message === undefined) this.known.remove(messageId, nowMs);
    else this.known.set(messageId, factsOf(message), { nowMs, seen: this.#looks });
    this.#tell(messageId, message);
    this.serve();
  }

  /** Somebody else may have written. */
  storeChanged(): void {
    if (this.#complete || this.isIdle) return;
    this.#lookAgain();
  }

  /** A write of unknown outcome may have made a message: what is known is not all any more. */
  doubt(): void {
    this.#complete = false;
    if (this.#isWatched()) this.#lookAgain();
  }

  /** Takes the next candidate; undefined when none is known to be ready. */
  next(): string | undefined {
    const nowMs = this.#ports.clock.wallMs();
    this.known.advance(nowMs);
    while (this.#cleaning < cleaningMax) {
      const doomed = this.known.takeDoomed(nowMs);
      if (doomed === undefined) return this.known.take();
      void this.#cleanUp(doomed);
    }
    return undefined;
  }

  /** The message that would be delivered next, without taking it. */
  head(): string | undefined {
    const nowMs = this.#ports.clock.wallMs();
    this.known.advance(nowMs);
    while (this.#cleaning < cleaningMax) {
      const doomed = this.known.takeDoomed(nowMs);
      if (doomed === undefined) return this.known.peek();
      void this.#cleanUp(doomed);
    }
    return undefined;
  }

  /** A candidate that could not be had is one again from `dueMs` on. */
  putBack(messageId: string, dueMs: number): void {
    this.known.putBack(messageId, dueMs, this.#ports.clock.wallMs());
    this.serve();
  }

  /** A candidate for which something is missing is one again from `untilMs` on. */
  holdBack(messageId: string, untilMs: number): void {
    this.known.holdBack(messageId, untilMs, this.#ports.clock.wallMs());
    this.serve();
  }

  /** A candidate stands behind another message of its group. */
  giveWay(messageId: string, to: string): void {
    const nowMs = this.#ports.clock.wallMs();
    if (this.known.giveWay(messageId, to, nowMs)) this.serve();
    else this.holdBack(messageId, nowMs + candidateRetryMs);
  }

  /** A candidate is not, and may never be, completely enqueued: it must not hold up its group. */
  setAside(messageId: string): void {
    const nowMs = this.#ports.clock.wallMs();
    this.known.setAside(messageId, nowMs + unfinishedRetryMs, nowMs);
    this.serve();
  }

  forget(messageId: string): void {
    this.known.remove(messageId, this.#ports.clock.wallMs());
    this.serve();
  }

  /** Gives candidates to those who wait, and sees to the timer. */
  serve(): void {
    while (this.line.length > 0) {
      const candidate = this.next();
      if (candidate === undefined) break;
      this.line.serve(candidate);
    }
    this.#arm();
  }

  listen(listener: QueueListener): () => void {
    this.#listeners.add(listener);
    this.#arm();
    return () => {
      this.#listeners.delete(listener);
      this.#disarmIfUnwatched();
    };
  }

  /** Resolves when everything is known, where it can be. */
  async load(): Promise<void> {
    while (!this.#complete && this.#ports.store.capabilities.exclusive) await this.#joinLook();
  }

  /** Looks at the store, from after this call on. Nothing to do where everything is known. */
  async look(): Promise<void> {
    if (this.#ports.store.capabilities.exclusive) return this.load();
    // A look that is going on may have passed what was written since it began.
    if (this.#looking !== undefined) await this.#looking.catch(() => undefined);
    return this.#joinLook();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #joinLook(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { store, clock, settings } = this.#ports;
    const { exclusive } = store.capabilities;
    this.#looks += 1;
    this.#touched = new Set();
    const limit = exclusive ? queueLoadPageSize : settings.pageSize;
    const prefix = messagesOf(this.target);
    let after: string | undefined;
    let ended = false;
    try {
      while (!ended) {
        const page = await callStore(() => store.scan(prefix, { after, limit }));
        const nowMs = clock.wallMs();
        for (const { name, bytes } of page.objects) this.#seen(name, bytes, nowMs);
        after = page.objects.at(-1)?.name ?? after;
        this.known.advance(nowMs);
        // Only the complete knowledge of a single writer needs the whole queue.
        ended = !page.more;
        if (!exclusive && this.known.counts().ready >= settings.pageSize) break;
      }
    } finally {
      this.#touched = undefined;
    }
    this.#complete = exclusive;
    this.#sawEnd = ended;
    const lastId = ended ? undefined : after?.slice(prefix.length);
    this.known.forgetUnseen(this.#looks, { lastId, nowMs: clock.wallMs() });
    this.#tell();
    this.serve();
  }

  #seen(name: string, bytes: Uint8Array, nowMs: number): void {
    const messageId = name.slice(messagesOf(this.target).length);
    if (!isMessageId(messageId)) return;
    const isTouched = this.#touched?.has(messageId) === true;
    if (isTouched || this.known.isSpokenFor(messageId, nowMs)) {
      this.known.markSeen(messageId, this.#looks);
      return;
    }
    try {
      const facts = readFacts(name, bytes);
      if (!facts.staged) this.known.set(messageId, facts, { nowMs, seen: this.#looks });
    } catch (error) {
      // One damaged record must not keep the others from their consumers.
      this.#ports.trouble(this.target, error);
    }
  }

  async #cleanUp(messageId: string): Promise<void> {
    this.#cleaning += 1;
    let gate: Gate | undefined;
    try {
      gate = await this.#ports.cleanUp(this.target, messageId);
    } catch (error) {
      this.#ports.trouble(this.target, error);
    }
    this.#cleaning -= 1;
    // What was not cleaned away after all (it is somebody's, or the store failed) comes back later.
    if (gate?.kind === "behind") this.giveWay(messageId, gate.messageId);
    else if (gate?.kind === "unfinished") this.setAside(messageId);
    else if (gate?.kind === "gone") this.forget(messageId);
    else this.holdBack(messageId, this.#ports.clock.wallMs() + candidateRetryMs);
    this.#tell();
  }

  #tell(messageId?: string, message?: Message): void {
    for (const listener of [...this.#listeners]) listener(messageId, message);
  }

  #isWatched(): boolean {
    return this.line.length > 0 || this.#listeners.size > 0;
  }

  /** One timer, only while somebody waits or watches: the next message due, or the next look. */
  #arm(): void {
    this.#disarmIfUnwatched();
    if (this.#closed || !this.#isWatched()) return;
    const { clock } = this.#ports;
    const nowMs = clock.wallMs();
    if (!this.#complete && this.#pollAt <= nowMs) this.#pollAt = nowMs + this.#pollMs();
    const dueMs = this.known.nextChangeMs() ?? Number.POSITIVE_INFINITY;
    const pollMs = this.#complete ? Number.POSITIVE_INFINITY : this.#pollAt;
    const at = Math.min(dueMs, pollMs, nowMs + queueTimerMsMax);
    // An earlier timer than needed only looks and arms again.
    if (this.#timer !== undefined && this.#timerAt <= at) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = clock.schedule(Math.max(1, at - nowMs), () => this.#onTimer());
  }

  #disarmIfUnwatched(): void {
    if (!this.#closed && this.#isWatched()) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #onTimer(): void {
    this.#timer = undefined;
    const isPollDue = !this.#complete && this.#pollAt <= this.#ports.clock.wallMs();
    if (isPollDue) {
      this.#pollAt = 0;
      if (this.#isWatched()) this.#lookAgain();
    }
    this.#tell();
    this.serve();
  }

  #lookAgain(): void {
    this.look().catch((error: unknown) => {
      this.#ports.trouble(this.target, error);
    });
  }

  #pollMs(): number {
    const { settings, random, store } = this.#ports;
    const feeds = store.capabilities.watch && settings.usesWatch;
    if (feeds) return settings.safetyPollMs;
    const base = this.#listeners.size > 0 ? queueWatchPollMs : Number.POSITIVE_INFINITY;
    return Math.min(base, settings.pollMs) + random.fraction() * settings.pollJitterMs;
  }
}
