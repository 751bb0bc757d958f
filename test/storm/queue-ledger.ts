/** What producers and consumers of a server that is killed again and again know for sure. */

export class QueueLedger {
  /** Messages whose enqueue was answered and whose ack was not asked for yet. */
  readonly #enqueued = new Map<string, string>();
  /** Acks asked for and not answered: they may have taken effect. */
  readonly #ackUnknown = new Set<string>();
  readonly #acked = new Set<string>();
  /** Tokens are handed out once and only go up. */
  readonly #tokens = new Map<string, number>();
  /** Payloads whose enqueue was not answered: the message may be there. */
  readonly #unanswered = new Set<string>();
  enqueues = 0;
  acks = 0;
  unknown = 0;

  asked(payload: string): void {
    this.#unanswered.add(payload);
  }

  enqueued(messageId: string, payload: string): void {
    this.#unanswered.delete(payload);
    this.#enqueued.set(messageId, payload);
    this.enqueues += 1;
  }

  delivered(delivery: {
    readonly messageId: string;
    readonly fencingToken: number;
    readonly payload: string;
  }): void {
    const { messageId, fencingToken, payload } = delivery;
    if (this.#acked.has(messageId)) throw new Error(`${messageId} came after its ack`);
    const token = this.#tokens.get(messageId) ?? 0;
    if (fencingToken <= token) throw new Error(`${messageId}: ${fencingToken} after ${token}`);
    this.#tokens.set(messageId, fencingToken);
    const known = this.#enqueued.get(messageId);
    if (known === undefined) this.#foundUnanswered(messageId, payload);
    else if (known !== payload) throw new Error(`${messageId} came with another payload`);
  }

  #foundUnanswered(messageId: string, payload: string): void {
    if (!this.#unanswered.delete(payload)) throw new Error(`${messageId} was never enqueued`);
    this.#enqueued.set(messageId, payload);
    this.unknown += 1;
  }

  askedAck(messageId: string): void {
    this.#ackUnknown.add(messageId);
  }

  acked(messageId: string): void {
    this.#ackUnknown.delete(messageId);
    this.#enqueued.delete(messageId);
    this.#acked.add(messageId);
    this.acks += 1;
  }

  /** Messages that must still be there; those whose ack has an unknown outcome may be. */
  missing(): readonly string[] {
    return [...this.#enqueued.keys()].filter((messageId) => !this.#ackUnknown.has(messageId));
  }
}
