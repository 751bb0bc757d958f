import { callOptions } from "../call-options.ts";
import { LoopExtender } from "../queue/loop-extender.ts";
import { Message } from "../queue/message.ts";
import type { QueueHost } from "../queue/queue-host.ts";
import type { QueueMessage, StatefulMessage } from "../queue/queue-types.ts";
import type { BodyInput, Call } from "../types.ts";
import type { EnqueuedInTransaction, TransactionDequeue, TransactionEnqueue } from "./txn-types.ts";

/** Part of a delivery's time after which it is extended once more before a commit. */
const staleShare = 0.5;

interface MessageTerms {
  readonly txnId: string;
  readonly owner: string;
  readonly signal: AbortSignal;
}

interface HeldMessage {
  readonly message: Message;
  readonly receivedAtMs: number;
}

/** The messages a transaction took and sent: they share its fate. */
export class TransactionMessages {
  readonly #host: QueueHost;
  readonly #terms: MessageTerms;
  readonly #lost: (error: unknown) => void;
  readonly #held: HeldMessage[] = [];
  #sent = 0;

  /** `lost` is told when a delivery cannot be kept. */
  constructor(host: QueueHost, terms: MessageTerms, lost: (error: unknown) => void) {
    this.#host = host;
    this.#terms = terms;
    this.#lost = lost;
  }

  /** True when a decision has something to do here. */
  get any(): boolean {
    return this.#held.length > 0 || this.#sent > 0;
  }

  async dequeue(queue: string, o: Call<TransactionDequeue> = {}): Promise<QueueMessage | null> {
    return this.#took(await this.#host.client.dequeue(queue, this.#options(o)));
  }

  async dequeueWithState(
    queue: string,
    o: Call<TransactionDequeue> = {},
  ): Promise<StatefulMessage | null> {
    return this.#took(await this.#host.client.dequeueWithState(queue, this.#options(o)));
  }

  async enqueue(
    queue: string,
    payload: BodyInput | null,
    ...[o = {}]: [Call<TransactionEnqueue>?]
  ): Promise<EnqueuedInTransaction> {
    const { txnId, signal } = this.#terms;
    // Counted first: after an unknown outcome the decision has to find it.
    this.#sent += 1;
    const options = { ...callOptions(o), txnId };
    return await this.#host.client.enqueue(queue, payload, {
      ...options,
      signal: either(signal, options.signal),
    });
  }

  /** @throws what extending a lost delivery is refused with */
  async assertHeld(): Promise<void> {
    const nowMs = this.#host.options.clock.monotonicMs();
    for (const { message, receivedAtMs } of this.#held) {
      await message.extender?.stop();
      if (nowMs - receivedAtMs < message.visibilityMs * staleShare) continue;
      await message.extendNow({ byMs: message.visibilityMs });
    }
  }

  participants(): readonly { readonly namespace: string; readonly key: string }[] {
    return this.#held.flatMap(({ message: { namespace, queue, messageId, state } }) => [
      { namespace, key: `q/${queue}/msg/${messageId}` },
      ...(state === undefined ? [] : [{ namespace, key: `q/${queue}/state/${messageId}` }]),
    ]);
  }

  /** The transaction is over, whatever became of it. */
  async end(): Promise<void> {
    for (const { message } of this.#held) {
      await message.extender?.stop();
      message.extender = undefined;
      await message.payload.close();
    }
  }

  #options(given: Call<TransactionDequeue>) {
    const { owner, txnId, signal } = this.#terms;
    const o = callOptions(given);
    return { ...o, owner: o.owner ?? owner, txnId, signal: either(signal, o.signal) };
  }

  #took<M extends QueueMessage>(message: M | null): M | null {
    if (message instanceof Message) {
      const { clock } = this.#host.options;
      this.#held.push({ message, receivedAtMs: clock.monotonicMs() });
      const extender = new LoopExtender(message, clock, (error) => this.#lost(error));
      message.extender = extender;
      extender.start();
    }
    return message;
  }
}

function either(first: AbortSignal, second: AbortSignal | undefined): AbortSignal {
  return second === undefined ? first : AbortSignal.any([first, second]);
}
