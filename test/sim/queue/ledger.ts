/**
 * What became of every message in the store itself: when its record came, when it went, and what
 * it was then. No answer of any node is needed for it, so it is exact under every fault.
 */

import type { StoredObject } from "../../../src/engine/ports/store.ts";
import {
  deadLetterName,
  deadLetterPrefix,
  isExhausted,
  type Message,
  messageName,
  messagePrefix,
  partsOfName,
} from "../../../src/engine/queue/message.ts";
import { decodeMessage } from "../../../src/engine/queue/message-codec.ts";
import type { Scheduler } from "../scheduler.ts";
import type { StoreTruth } from "../store-truth.ts";
import { payloadText } from "./delivery.ts";

/** What `links.ts` writes into messages that it withdraws. */
const withdrawnAtMs = 1;

/** A record that was deleted, of a message or of a dead letter. */
export interface Removal {
  readonly kind: "message" | "letter";
  readonly queue: string;
  readonly messageId: string;
  readonly atMs: number;
  /** As it was to the last. */
  readonly message: Message;
  /** The other of the two was there: the letter of the message, or the message of the letter. */
  readonly hasOther: boolean;
  readonly payload: string;
}

export interface Death {
  readonly messageId: string;
  readonly queue: string;
  readonly atMs: number;
  readonly letter: Message;
  readonly payload: string;
}

export class QueueLedger {
  readonly removals: Removal[] = [];
  /** Every letter as it was written, also when it was written again. */
  readonly deaths: Death[] = [];
  /** Messages that went because nobody was ever to get them: half enqueued, or made twice. */
  readonly withdrawn = new Set<string>();
  /** Written among the dead letters when their message was gone, or lived again, already. */
  readonly ghosts = new Set<string>();
  readonly #truth: StoreTruth;
  readonly #scheduler: Scheduler;
  /** By message id: what its producer put into it. */
  readonly #payloads = new Map<string, string>();
  /** By payload: the ids of messages that ever had it. */
  readonly #ids = new Map<string, string[]>();
  readonly #goneMs = new Map<string, number>();

  constructor(truth: StoreTruth, scheduler: Scheduler) {
    this.#truth = truth;
    this.#scheduler = scheduler;
    truth.onLanding = (name, object) => this.#landing(name, object);
  }

  /**
   * Ids under which a payload ever was a message, in the order in which they came: more than one
   * when it was redriven in a group.
   */
  idsOf(payload: string): readonly string[] {
    return this.#ids.get(payload) ?? [];
  }

  /** True when an older message with that payload has died. */
  died(payload: string, before: string): boolean {
    return this.deaths.some((one) => one.payload === payload && one.messageId < before);
  }

  payloadOf(messageId: string): string | undefined {
    return this.#payloads.get(messageId);
  }

  /** When its record was deleted first; never: infinity. */
  goneMs(messageId: string): number {
    return this.#goneMs.get(messageId) ?? Number.POSITIVE_INFINITY;
  }

  #landing(name: string, object: StoredObject | undefined): void {
    const isMessage = name.startsWith(messagePrefix);
    if (!isMessage && !name.startsWith(deadLetterPrefix)) return;
    const parts = partsOfName(name);
    if (parts === undefined) return;
    const { target, rest: messageId } = parts;
    const { queue } = target;
    const before = this.#truth.durable.get(name);
    if (object !== undefined) {
      if (isMessage && this.#payloads.has(messageId)) return;
      const { message } = decodeMessage(name, object.bytes);
      const payload = this.#payloadOf(message);
      if (isMessage) {
        this.#payloads.set(messageId, payload);
        this.#ids.set(payload, [...this.idsOf(payload), messageId]);
        return;
      }
      const atMs = this.#scheduler.now;
      this.deaths.push({ messageId, queue, atMs, letter: message, payload });
      const there = this.#truth.durable.get(messageName(target, messageId));
      const isDying = there !== undefined && isExhausted(decodeMessage(name, there.bytes).message);
      if (!isDying) this.ghosts.add(messageId);
      return;
    }
    if (before === undefined) return;
    const { message } = decodeMessage(name, before.bytes);
    const nameOfOther = isMessage ? deadLetterName : messageName;
    const atMs = this.#scheduler.now;
    if (isMessage && message.expiresAtMs === withdrawnAtMs) this.withdrawn.add(messageId);
    if (isMessage && !this.#goneMs.has(messageId)) this.#goneMs.set(messageId, atMs);
    this.removals.push({
      ...{ kind: isMessage ? "message" : "letter", queue, messageId, atMs, message },
      hasOther: this.#truth.durable.has(nameOfOther(target, messageId)),
      payload: this.#payloadOf(message),
    });
  }

  #payloadOf({ payload: { place } }: Message): string {
    const bytes = place.kind === "inline" ? place.bytes : this.#truth.streams.get(place.name);
    return payloadText(bytes ?? new Uint8Array(0));
  }
}
