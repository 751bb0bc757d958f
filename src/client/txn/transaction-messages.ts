import { failure, LockdApiError, LockdConfigError, type LockdError } from "../../api/errors.ts";
import { messageKeyOf, stateKeyOf } from "../../api/message-keys.ts";
import { callOptions } from "../call-options.ts";
import { LoopExtender } from "../queue/loop-extender.ts";
import { Message } from "../queue/message.ts";
import type { QueueHost } from "../queue/queue-host.ts";
import type { DequeueOptions, QueueMessage, StatefulMessage } from "../queue/queue-types.ts";
import type { BodyInput, Call, CallOptions } from "../types.ts";
import { KeptOpen } from "./kept-open.ts";
import type { EnqueuedInTransaction, TransactionDequeue, TransactionEnqueue } from "./txn-types.ts";

/** Part of a delivery's time after which it is extended once more before a commit. */
const staleShare = 0.5;

interface MessageTerms {
  readonly txnId: string;
  readonly owner: string;
  readonly signal: AbortSignal;
  /** How long the transaction is to stay open by each renewal. */
  readonly ttlMs: number;
}

/** As the client's dequeue takes it, in the name of the transaction. */
type DequeueTerms = DequeueOptions & CallOptions & { readonly signal: AbortSignal };

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
  /** A dequeue that may have taken a message nobody here has seen. */
  #unheard: { readonly queue: string; readonly cause: unknown } | undefined;
  readonly #keptOpen: KeptOpen;
  /** Enqueues, and the queues of dequeues, whose answers are not there yet. */
  readonly #sending = new Set<Promise<unknown>>();
  readonly #taking = new Set<{ readonly queue: string; readonly cause: unknown }>();
  #sent = 0;
  /** A server refused to bind the transaction to a delivery. */
  #isUnbound = false;

  /** `lost` is told when a delivery cannot be kept. */
  constructor(host: QueueHost, terms: MessageTerms, lost: (error: unknown) => void) {
    this.#host = host;
    this.#terms = terms;
    this.#lost = lost;
    this.#keptOpen = new KeptOpen(host, terms, lost);
  }

  /** True when a decision has something to do here. */
  get any(): boolean {
    return this.#held.length > 0 || this.#sent > 0 || this.#unheard !== undefined;
  }

  async dequeue(queue: string, o: Call<TransactionDequeue> = {}): Promise<QueueMessage | null> {
    const { client } = this.#host;
    return this.#took(await this.#heard(queue, o, (options) => client.dequeue(queue, options)));
  }

  async dequeueWithState(
    queue: string,
    o: Call<TransactionDequeue> = {},
  ): Promise<StatefulMessage | null> {
    const { client } = this.#host;
    return this.#took(
      await this.#heard(queue, o, (options) => client.dequeueWithState(queue, options)),
    );
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
    const sending = this.#host.client.enqueue(queue, payload, {
      ...options,
      signal: either(signal, options.signal),
    });
    this.#sending.add(sending);
    try {
      const sent = await sending;
      if (!sent.duplicate) this.#keptOpen.start();
      return sent;
    } finally {
      this.#sending.delete(sending);
    }
  }

  /**
   * What nobody waited for belongs to the transaction all the same: an enqueue that comes behind
   * the commit would begin another one, which nobody commits.
   * @throws what extending a lost delivery or such an enqueue is refused with; txn_conflict when a
   * message may take part that nobody has seen
   */
  async assertHeld(): Promise<void> {
    await Promise.all(this.#sending);
    [this.#unheard = this.#unheard] = this.#taking;
    if (this.#unheard !== undefined) throw unheardError(this.#terms.txnId, this.#unheard);
    const nowMs = this.#host.options.clock.monotonicMs();
    for (const { message, receivedAtMs } of this.#held) {
      await message.extender?.stop();
      // Only a bound delivery is looked at again by the commit itself.
      const isFresh = nowMs - receivedAtMs < message.visibilityMs * staleShare;
      if (isFresh && !this.#isUnbound) continue;
      await message.extendNow({ byMs: message.visibilityMs });
    }
  }

  participants(): readonly { readonly namespace: string; readonly key: string }[] {
    return this.#held.flatMap(({ message }) => {
      const { namespace, state } = message;
      return [
        { namespace, key: messageKeyOf(message) },
        ...(state === undefined ? [] : [{ namespace, key: stateKeyOf(message) }]),
      ];
    });
  }

  /** To be awaited before the decision: what came behind it would begin the transaction again. */
  async beforeDecision(): Promise<void> {
    await this.#keptOpen.stop();
  }

  /** The transaction is over, whatever became of it. */
  async end(): Promise<void> {
    for (const { message } of this.#held) {
      await message.extender?.stop();
      message.extender = undefined;
      await message.payload.close();
    }
  }

  /**
   * A message whose answer was lost takes part in the transaction all the same: a commit would
   * acknowledge it unseen. So nothing is committed then, whatever the body makes of the error.
   */
  async #heard<T>(
    queue: string,
    given: Call<TransactionDequeue>,
    dequeue: (options: DequeueTerms) => Promise<T>,
  ): Promise<T> {
    const options = this.#options(given);
    const taking = { queue, cause: undefined };
    this.#taking.add(taking);
    try {
      return await this.#bound(options, dequeue);
    } catch (cause) {
      if (options.signal.aborted || !tookNothing(cause)) {
        this.#unheard = { queue, cause };
        this.#lost(unheardError(this.#terms.txnId, this.#unheard));
      }
      throw cause;
    } finally {
      this.#taking.delete(taking);
    }
  }

  /**
   * Bound, so that no commit stands without a message whose lease was lost
   * (docs/decisions/0011-a-message-and-its-transaction.md). A server that knows the contract and
   * nothing else refuses the member, and has certainly taken nothing: it is asked again without.
   */
  async #bound<T>(
    options: DequeueTerms,
    dequeue: (options: DequeueTerms) => Promise<T>,
  ): Promise<T> {
    if (this.#isUnbound) return dequeue(options);
    try {
      return await dequeue({ ...options, txnBound: true });
    } catch (error) {
      if (!(error instanceof LockdApiError) || error.code !== "invalid_body") throw error;
      const taken = await dequeue(options);
      this.#isUnbound = true;
      this.#host.warnOnce("client.transaction.unbound", {
        txn_id: this.#terms.txnId,
        detail: "the server does not know txn_bound; a commit may stand without its message",
      });
      return taken;
    }
  }

  #options(given: Call<TransactionDequeue>): DequeueTerms {
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

/** True when the answer says so, or nothing was ever sent. */
function tookNothing(error: unknown): boolean {
  if (error instanceof LockdApiError) return !error.outcomeUnknown;
  return error instanceof LockdConfigError;
}

function unheardError(
  txnId: string,
  { queue, cause }: { readonly queue: string; readonly cause: unknown },
): LockdError {
  const message =
    `transaction ${txnId} was rolled back: the answer of a dequeue from ${queue} was lost, and ` +
    "with it perhaps a message; run the transaction again";
  return failure("txn_conflict", message, { operation: "commit", cause });
}

function either(first: AbortSignal, second: AbortSignal | undefined): AbortSignal {
  return second === undefined ? first : AbortSignal.any([first, second]);
}
