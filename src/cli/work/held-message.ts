/** A message in our hands: how long it is surely ours, and what can be done with it. */
import { LockdError } from "../../api/errors.ts";
import type { Delivery, MessageAddress, Queues } from "../../api/queues.ts";
import { addressOf } from "../queue/take-message.ts";
import type { LeaseClock } from "../run/lease-clock.ts";
import {
  type Hold,
  heldSince,
  type LeaseTiming,
  leaseTiming,
  runTtlSecondsMin,
} from "../run/lease-timing.ts";
import type { Renewal } from "../run/supervise.ts";

/** Part of the lease time that a wait may take before the lease is extended to count from later. */
const staleShare = 0.1;

/** Extended at half its time (cli.md 9.2). */
const extendShare = 0.5;

/** Milliseconds that the first extension may take. */
const firstExtendMsMax = 5_000;

/** Milliseconds. Limit of settling a message. */
const settleMsMax = 15_000;

/** The message is gone, or somebody else's. */
const lostCodes = new Set([
  "queue_message_lease_mismatch",
  "not_found",
  "lease_required",
  "lease_expired",
  "fencing_mismatch",
  "txn_mismatch",
]);

export interface MessageParts {
  readonly queues: Pick<Queues, "ack" | "nack" | "extend">;
  readonly clock: LeaseClock;
  readonly wallMs: () => number;
  /** As for `lockd run`: then this machine's wall clock says when a lease ends. */
  readonly sharedWall: () => boolean;
  readonly termGraceMs: number | undefined;
}

/** What an answer says of a lease. */
interface GrantedTime {
  readonly leaseExpiresAtUnix: number;
  readonly visibilityTimeoutSeconds: number;
}

/** True when a failure means that the message is no longer ours. */
export function isMessageLost(error: unknown): boolean {
  return error instanceof LockdError && lostCodes.has(error.code);
}

export class HeldMessage implements Renewal {
  readonly delivery: Delivery;
  readonly timing: LeaseTiming;
  readonly #parts: MessageParts;
  #hold: Hold;
  /** Changes with every extension. */
  #metaEtag: string;
  /** Extensions that are not answered yet. */
  readonly #renewing = new Set<Promise<unknown>>();

  /**
   * `sentAt` is from before the message was asked for. When that is too long ago to count from, or
   * the message is ours for too short a time, its lease is extended first.
   * @throws what extend throws
   */
  static async taken(
    parts: MessageParts,
    delivery: Delivery,
    ...[sentAt]: [number]
  ): Promise<HeldMessage> {
    const held = new HeldMessage(parts, delivery, sentAt);
    const { visibilityTimeoutSeconds: granted } = delivery;
    const waitedMs = parts.clock.nowMs() - sentAt;
    const isStale = waitedMs > held.timing.ttlSeconds * 1000 * staleShare;
    if (!isStale && granted >= runTtlSecondsMin) return held;
    const signal = AbortSignal.timeout(firstExtendMsMax);
    await held.renew({ sentAt: parts.clock.nowMs(), signal });
    return held;
  }

  private constructor(parts: MessageParts, delivery: Delivery, sentAt: number) {
    this.#parts = parts;
    this.delivery = delivery;
    this.#metaEtag = delivery.metaEtag;
    const { visibilityTimeoutSeconds: granted } = delivery;
    const seconds = Math.max(granted, runTtlSecondsMin);
    this.timing = leaseTiming(seconds, parts.termGraceMs, extendShare);
    this.#hold = this.#holdOf(sentAt, delivery);
  }

  get id(): string {
    return this.delivery.messageId;
  }

  get hold(): Hold {
    return this.#hold;
  }

  async renew({ sentAt, signal }: Parameters<Renewal["renew"]>[0]): Promise<Hold> {
    const { ttlSeconds: extendBySeconds } = this.timing;
    const request = { ...this.#address(), extendBySeconds };
    const extending = this.#parts.queues.extend(request, this.#call(signal));
    this.#renewing.add(extending);
    const extended = await extending.finally(() => this.#renewing.delete(extending));
    this.#metaEtag = extended.metaEtag;
    this.#hold = this.#holdOf(sentAt, extended);
    return this.#hold;
  }

  isLost(error: unknown): boolean {
    return isMessageLost(error);
  }

  /**
   * Resolves when no extension is under way: its answer brings the etag that a nack needs, and one
   * that comes behind a commit would begin the transaction once more.
   */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#renewing);
  }

  /** @throws what ack throws */
  async ack(): Promise<void> {
    // The fence alone proves that it is ours; an etag might be old when an answer was lost.
    const request = { ...this.#address(), metaEtag: undefined };
    await this.#parts.queues.ack(request, this.#call(AbortSignal.timeout(settleMsMax)));
  }

  /** @throws what nack throws */
  async defer(delaySeconds: number | undefined): Promise<void> {
    const request = { ...this.#address(), intent: "defer", delaySeconds };
    await this.#parts.queues.nack(request, this.#call(AbortSignal.timeout(settleMsMax)));
  }

  /** @throws what nack throws */
  async fail(reason: string, delaySeconds: number | undefined): Promise<void> {
    const lastError = { detail: reason };
    const request = { ...this.#address(), intent: "failure", delaySeconds, lastError };
    await this.#parts.queues.nack(request, this.#call(AbortSignal.timeout(settleMsMax)));
  }

  #address(): MessageAddress {
    return { ...addressOf(this.delivery), metaEtag: this.#metaEtag };
  }

  #call(signal: AbortSignal) {
    return { signal, correlationId: this.delivery.correlationId || undefined };
  }

  #holdOf(sentAt: number, granted: GrantedTime): Hold {
    const { clock, wallMs, sharedWall } = this.#parts;
    const { leaseExpiresAtUnix, visibilityTimeoutSeconds: seconds } = granted;
    const endsByWall = clock.nowMs() + leaseExpiresAtUnix * 1000 - wallMs();
    // A server says how long the lease is, so its wall clock need not be ours.
    if (seconds > 0 && !sharedWall()) return heldSince(sentAt, leaseTiming(seconds, undefined));
    return heldSince(sentAt, this.timing, endsByWall);
  }
}
