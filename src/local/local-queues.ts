import { LockdApiError, LockdError } from "../api/errors.ts";
import type { BodyIn, LockdCall } from "../api/lockd.ts";
import type {
  AckRequest,
  AckResult,
  DeadLetterChange,
  DeadLetterContent,
  DeadLetterList,
  DeadLetterListRequest,
  DeadLetterSelection,
  Delivery,
  DeliveryStream,
  DequeueRequest,
  EnqueueRequest,
  EnqueueResult,
  ExtendRequest,
  ExtendResult,
  NackRequest,
  NackResult,
  QueueAddress,
  QueueListRequest,
  QueueListResult,
  QueueStats,
  Queues,
  QueueWatchEvent,
} from "../api/queues.ts";
import type { CarrierCall } from "../client/carrier-call.ts";
import { OutgoingBody } from "../client/outgoing-body.ts";
import { withRepeatKey } from "../client/queue/http-queues.ts";
import type { LocalCarrier } from "./local-carrier.ts";
import { waitLeft } from "./wait-left.ts";

/** The queues of one store on this machine: through its owner, or in this process. */
export class LocalQueues implements Queues {
  readonly #carrier: LocalCarrier;

  constructor(carrier: LocalCarrier) {
    this.#carrier = carrier;
  }

  /** Not repeated after a lost answer unless a dedupe key makes that harmless. */
  enqueue(
    request: EnqueueRequest,
    payload: BodyIn,
    ...[call]: [CarrierCall?]
  ): Promise<EnqueueResult> {
    const outgoing = new OutgoingBody(payload);
    const keyed = withRepeatKey(request, call?.repeatKey);
    let lost = false;
    return this.#carrier.start(call, {
      operation: "enqueue",
      changes: true,
      repeatable: () => outgoing.sendable && (!lost || keyed.dedupeKey !== undefined),
      run: async ({ queues }, limited) => {
        try {
          const body = outgoing.replayable ? payload : outgoing.open();
          // Inline nothing gets lost; but what follows a lost answer must find its message.
          return await queues.enqueue(lost ? keyed : request, body, limited);
        } catch (error) {
          lost ||= error instanceof LockdError && error.outcomeUnknown;
          throw error;
        }
      },
    });
  }

  dequeue(request: DequeueRequest, call?: LockdCall): Promise<readonly Delivery[]> {
    return this.#carrier.start(call, {
      operation: "dequeue",
      changes: true,
      repeatable: (outcomeUnknown) => mayTakeAgain(request, outcomeUnknown),
      waits: (request.waitSeconds ?? 0) >= 0,
      run: ({ queues }, limited, elapsedMs) => {
        const waitSeconds = waitLeft(request.waitSeconds, elapsedMs);
        return queues.dequeue({ ...request, waitSeconds }, limited);
      },
    });
  }

  async subscribe(request: DequeueRequest, call?: LockdCall): Promise<DeliveryStream> {
    const stream = await this.#carrier.start(call, {
      operation: "subscribe",
      changes: true,
      repeatable: (outcomeUnknown) => mayTakeAgain(request, outcomeUnknown),
      waits: true,
      run: ({ queues }, limited, elapsedMs) => {
        const waitSeconds = waitLeft(request.waitSeconds, elapsedMs);
        return queues.subscribe({ ...request, waitSeconds }, limited);
      },
    });
    return {
      close: () => stream.close(),
      [Symbol.asyncIterator]: () => this.#kept(stream),
    };
  }

  ack(request: AckRequest, call?: LockdCall): Promise<AckResult> {
    return this.#carrier.change("ack", call, ({ queues }, limited) => queues.ack(request, limited));
  }

  nack(request: NackRequest, call?: LockdCall): Promise<NackResult> {
    return this.#carrier.change("nack", call, ({ queues }, limited) =>
      queues.nack(request, limited),
    );
  }

  extend(request: ExtendRequest, call?: LockdCall): Promise<ExtendResult> {
    return this.#carrier.change("extend", call, ({ queues }, limited) =>
      queues.extend(request, limited),
    );
  }

  stats(request: QueueAddress, call?: LockdCall): Promise<QueueStats> {
    return this.#carrier.read("stats", call, ({ queues }, limited) =>
      queues.stats(request, limited),
    );
  }

  async watch(request: QueueAddress, call?: LockdCall): Promise<AsyncIterable<QueueWatchEvent>> {
    const events = await this.#carrier.read("watch", call, ({ queues }, limited) =>
      queues.watch(request, limited),
    );
    return { [Symbol.asyncIterator]: () => this.#kept(events) };
  }

  list(request: QueueListRequest, call?: LockdCall): Promise<QueueListResult> {
    return this.#carrier.read("list", call, ({ queues }, limited) => queues.list(request, limited));
  }

  deadLetters(request: DeadLetterListRequest, call?: LockdCall): Promise<DeadLetterList> {
    return this.#carrier.read("dead letters", call, ({ queues }, limited) =>
      queues.deadLetters(request, limited),
    );
  }

  deadLetter(
    request: QueueAddress & { messageId?: string | undefined },
    call?: LockdCall,
  ): Promise<DeadLetterContent> {
    return this.#carrier.read("dead letter", call, ({ queues }, limited) =>
      queues.deadLetter(request, limited),
    );
  }

  redrive(request: DeadLetterSelection, call?: LockdCall): Promise<DeadLetterChange> {
    return this.#carrier.change("redrive", call, ({ queues }, limited) =>
      queues.redrive(request, limited),
    );
  }

  purge(request: DeadLetterSelection, call?: LockdCall): Promise<DeadLetterChange> {
    return this.#carrier.change("purge", call, ({ queues }, limited) =>
      queues.purge(request, limited),
    );
  }

  /**
   * A stream keeps the process alive while somebody reads it. When a server takes the store over,
   * a stream of this process is over: whoever asks again gets the server's.
   */
  async *#kept<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
    const release = this.#carrier.awake.hold();
    try {
      yield* source;
    } catch (error) {
      if (!(error instanceof LockdApiError) || error.code !== "store_owned") throw error;
    } finally {
      release();
    }
  }
}

/** In a transaction another message could join one that nobody has seen: a commit settles both. */
function mayTakeAgain({ txnId }: DequeueRequest, outcomeUnknown: boolean): boolean {
  return !outcomeUnknown || (txnId ?? "") === "";
}
