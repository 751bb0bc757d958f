/**
 * What has to be had before a message may be delivered: its place in its group, its payload and its
 * state's lease. Most messages need none of it. What was had and not used is given back.
 */
import { missingPayloadHideMs } from "../limits.ts";
import type { ObjectStream } from "../ports/store.ts";
import type { Lease } from "../record/key-record.ts";
import { callStore } from "../store-failure.ts";
import { type DeliveryTerms, visibilityOf } from "./deliver.ts";
import type { Message } from "./message.ts";
import type { MessageAt } from "./message-shell.ts";
import type { QueueParts } from "./queue-parts.ts";

/** What stands in the way. */
export type Obstacle =
  | { readonly kind: "gone" }
  | { readonly kind: "unfinished" }
  | { readonly kind: "behind"; readonly messageId: string }
  /** Its time has not come. */
  | { readonly kind: "later"; readonly untilMs: number }
  /** Its time has come, but something it needs can not be had. */
  | { readonly kind: "held"; readonly untilMs: number };

export class Preparation {
  readonly #parts: QueueParts;
  readonly #at: MessageAt;
  readonly #withState: boolean;
  /** `previous` of the message when its group let it pass; undefined: not asked. */
  #passed: { readonly previous: string | undefined } | undefined;
  /** The lapsed lease whose transaction was asked. */
  #asked: string | undefined;
  #payload: ObjectStream | undefined;
  #stateLease: Lease | undefined;

  constructor(parts: QueueParts, at: MessageAt, withState: boolean) {
    this.#parts = parts;
    this.#at = at;
    this.#withState = withState;
  }

  get payload(): ObjectStream | undefined {
    return this.#payload;
  }

  get stateLease(): Lease | undefined {
    return this.#stateLease;
  }

  /** True when nothing is missing for delivering the message as it is now. */
  covers(message: Message): boolean {
    return (
      !this.#needsAsking(message) &&
      !this.#needsPassage(message) &&
      (message.payload.place.kind === "inline" || this.#payload !== undefined) &&
      (!this.#withState || this.#stateLease !== undefined)
    );
  }

  /** Gets what is missing; what stands in the way, or undefined. @throws store errors */
  async prepare(message: Message, terms: DeliveryTerms): Promise<Obstacle | undefined> {
    if (this.#needsAsking(message)) {
      await this.#parts.transactions.finishLapsed(message.lease?.txnId ?? "");
      this.#asked = message.lease?.id;
      // What was decided has been carried out: perhaps there is nothing to deliver any more.
      return undefined;
    }
    if (this.#needsPassage(message)) {
      const obstacle = await this.#pass(message);
      if (obstacle !== undefined) return obstacle;
    }
    const { place, size } = message.payload;
    if (place.kind === "object" && this.#payload === undefined) {
      const { store, telemetry } = this.#parts.options;
      const opened = await callStore(() => store.getStream(place.name));
      if (opened?.size !== size) {
        await opened?.body.close();
        telemetry.warn("queue.dispatcher.core", "queue.payload_missing", { object: place.name });
        const untilMs = this.#parts.options.clock.wallMs() + missingPayloadHideMs;
        return { kind: "held", untilMs };
      }
      this.#payload = opened;
    }
    if (this.#withState && this.#stateLease === undefined) {
      return this.#grantState(message, terms);
    }
    return undefined;
  }

  /** Gives back what was had; for a delivery that came to nothing. Never rejects. */
  async drop(): Promise<void> {
    try {
      await this.#payload?.body.close();
      const lease = this.#stateLease;
      this.#stateLease = undefined;
      if (lease !== undefined) await this.#parts.states.withdraw(this.#at, lease.id);
    } catch {
      // The lease ends by itself, and the stream with the process at the latest.
    }
  }

  /** A consumer's transaction may have committed what its lease lapsed on before it was applied. */
  #needsAsking({ lease }: Message): boolean {
    return lease?.explicit === true && this.#asked !== lease.id;
  }

  #needsPassage(message: Message): boolean {
    if (message.previous === undefined && !message.unlinked) return false;
    return this.#passed === undefined || this.#passed.previous !== message.previous;
  }

  async #pass(message: Message): Promise<Obstacle | undefined> {
    const { links, directory } = this.#parts;
    const { previous, unlinked } = message;
    const queue = directory.peek(this.#at);
    // Where everything is known, memory knows whether the one before is gone.
    const isGone =
      !unlinked && previous !== undefined && queue?.isComplete && !queue.known.has(previous);
    if (isGone !== true) {
      const gate = await links.gate(this.#at, message);
      if (gate.kind !== "open") return gate;
    }
    this.#passed = { previous };
    return undefined;
  }

  async #grantState(message: Message, terms: DeliveryTerms): Promise<Obstacle | undefined> {
    const { owner, txnId, explicit } = terms;
    const ttlSeconds = visibilityOf(message, terms);
    const leaseId = this.#parts.options.random.xid();
    const state = { owner, txnId, explicit, ttlSeconds, leaseId };
    const granted = await this.#parts.states.grant(this.#at, state);
    if (granted.kind === "held") return granted;
    this.#stateLease = granted.lease;
    return undefined;
  }
}
