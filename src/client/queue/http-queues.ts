import { LockdApiError, LockdError, LockdProtocolError } from "../../api/errors.ts";
import type { BodyIn } from "../../api/lockd.ts";
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
} from "../../api/queues.ts";
import type { CarrierCall } from "../carrier-call.ts";
import type { CallProgress, EndpointAnswer } from "../failover.ts";
import type { HttpCarrier } from "../http-carrier.ts";
import { JsonAnswer } from "../json-answer.ts";
import { giveBackMsMax, repeatWindowSeconds } from "../limits.ts";
import { EventDecoder } from "./event-decoder.ts";
import { HttpDeliveryStream, type UnreadDelivery } from "./http-delivery-stream.ts";
import { allPairs, onlyPair, PairReader } from "./pair-reader.ts";
import * as answers from "./queue-wire-answer.ts";
import * as wire from "./queue-wire-request.ts";

/** The queue verbs over HTTP (http-queue.md). */
export class HttpQueues implements Queues {
  readonly #carrier: HttpCarrier;
  /** Whether these servers know dedupe keys; undefined until one of them showed it. */
  #dedupes: boolean | undefined;

  constructor(carrier: HttpCarrier) {
    this.#carrier = carrier;
  }

  /**
   * Repeated after a lost answer only when it has a dedupe key, its payload can be sent again and
   * the server is known to look at such keys.
   */
  async enqueue(
    given: EnqueueRequest,
    payload: BodyIn,
    call: CarrierCall = {},
  ): Promise<EnqueueResult> {
    const progress = this.#carrier.begin(call);
    const request = withRepeatKey(given, this.#dedupes === false ? undefined : call.repeatKey);
    const once = wire.enqueueCall(request, payload);
    const repeatable = request.dedupeKey !== undefined && once.body?.replayable === true;
    const decode = (answer: EndpointAnswer): EnqueueResult => {
      if (request.dedupeKey !== undefined) this.#dedupes = answers.knowsDedupe(answer);
      return staged(request, answers.enqueueResult(answer));
    };
    if (repeatable && this.#dedupes === true) {
      return await this.#carrier.attemptUpdate({ ...once, repeatable }, progress, decode);
    }
    try {
      return await this.#carrier.attempt(once, progress, decode);
    } catch (error) {
      const lost = error instanceof LockdError && error.outcomeUnknown;
      if (!lost || !repeatable || !(await this.#findDedupes())) throw error;
    }
    const again = { ...wire.enqueueCall(request, payload), repeatable };
    return await this.#carrier.attemptUpdate(again, progress, decode);
  }

  async dequeue(request: DequeueRequest, call: CarrierCall = {}): Promise<readonly Delivery[]> {
    const single = (request.pageSize ?? 1) <= 1 || request.withState === true;
    const answer = await this.#deliveries("dequeue", request, this.#beginWaiting(request, call));
    const reader = new PairReader(answer);
    const only = single ? await onlyPair(reader) : undefined;
    const pairs = single ? (only === undefined ? [] : [only]) : await allPairs(reader);
    return pairs.map(({ meta, payload }) => ({ ...answers.deliveryFacts(meta), payload }));
  }

  async subscribe(request: DequeueRequest, call: CarrierCall = {}): Promise<DeliveryStream> {
    const progress = this.#carrier.begin(call, this.#carrier.closing);
    const answer = await this.#deliveries("subscribe", request, progress);
    const reader = new PairReader(answer);
    return await HttpDeliveryStream.open(reader, (unread) => this.#deferAll(unread));
  }

  async ack(request: AckRequest, call: CarrierCall = {}): Promise<AckResult> {
    return await this.#json("ack", wire.ackJson(request), {
      call,
      decode: (answer) => {
        const correlationId = answers.correlationOf(answer, answers.jsonOf(answer));
        return { acked: true, correlationId };
      },
    });
  }

  async nack(request: NackRequest, call: CarrierCall = {}): Promise<NackResult> {
    return await this.#json("nack", wire.nackJson(request), {
      call,
      decode: (answer) => {
        const json = answers.jsonOf(answer);
        const correlationId = answers.correlationOf(answer, json);
        return { requeued: true, metaEtag: json.textOr("meta_etag", ""), correlationId };
      },
    });
  }

  async extend(request: ExtendRequest, call: CarrierCall = {}): Promise<ExtendResult> {
    const body = wire.extendJson(request);
    return await this.#json("extend", body, { call, decode: answers.extendResult });
  }

  async stats(request: QueueAddress, call: CarrierCall = {}): Promise<QueueStats> {
    const { namespace, queue } = request;
    const { httpTimeoutMs: tryLimitMs } = this.#carrier.options;
    return await this.#carrier.attempt(
      wire.queueCall("stats", { namespace, queue }, { tryLimitMs, changes: false }),
      this.#carrier.begin(call),
      answers.statsResult,
    );
  }

  /** Events of one connection; ends when the server ends it. */
  async watch(
    request: QueueAddress,
    call: CarrierCall = {},
  ): Promise<AsyncIterable<QueueWatchEvent>> {
    const { namespace, queue } = request;
    const watching = wire.queueCall(
      "watch",
      { namespace, queue },
      { changes: false, ...wire.streamedAnswer },
    );
    watching.headers.push("accept", "text/event-stream");
    const progress = this.#carrier.begin(call, this.#carrier.closing);
    return watchEvents(await this.#carrier.attempt(watching, progress, (answer) => answer));
  }

  async list(request: QueueListRequest, call: CarrierCall = {}): Promise<QueueListResult> {
    const { namespace, queue, cursor, limit } = request;
    return await this.#read("list", { namespace, queue, cursor, limit }, call, answers.queueList);
  }

  async deadLetters(
    request: DeadLetterListRequest,
    call: CarrierCall = {},
  ): Promise<DeadLetterList> {
    const { namespace, queue, cursor, limit } = request;
    const body = { namespace, queue, cursor, limit };
    return await this.#read("dlq/list", body, call, answers.deadLetterList);
  }

  async deadLetter(
    request: QueueAddress & { messageId?: string | undefined },
    call: CarrierCall = {},
  ): Promise<DeadLetterContent> {
    const { namespace, queue, messageId } = request;
    const showing = wire.extensionCall(
      "dlq/show",
      { namespace, queue, message_id: messageId },
      { changes: false, ...wire.streamedAnswer },
    );
    const progress = this.#carrier.begin(call);
    const answer = await this.#carrier.attempt(showing, progress, (given) => given);
    const pair = await onlyPair(new PairReader(answer));
    if (pair === undefined) {
      throw new LockdProtocolError("protocol", "the answer holds no dead letter");
    }
    return { letter: answers.letterFacts(pair.meta), payload: pair.payload };
  }

  async redrive(request: DeadLetterSelection, call: CarrierCall = {}): Promise<DeadLetterChange> {
    return await this.#change("dlq/redrive", request, call);
  }

  async purge(request: DeadLetterSelection, call: CarrierCall = {}): Promise<DeadLetterChange> {
    return await this.#change("dlq/purge", request, call);
  }

  async #change(
    verb: string,
    request: DeadLetterSelection,
    call: CarrierCall,
  ): Promise<DeadLetterChange> {
    const changing = wire.extensionCall(verb, wire.selectionJson(request));
    const progress = this.#carrier.begin(call);
    return await this.#carrier.attempt(changing, progress, answers.deadLetterChange);
  }

  async #read<T>(
    verb: string,
    body: object,
    ...[call, decode]: [CarrierCall, (answer: EndpointAnswer) => T]
  ): Promise<T> {
    const { httpTimeoutMs: tryLimitMs } = this.#carrier.options;
    const reading = wire.extensionCall(verb, body, { tryLimitMs, changes: false });
    return await this.#carrier.attempt(reading, this.#carrier.begin(call), decode);
  }

  async #json<T>(
    verb: "ack" | "nack" | "extend",
    body: object,
    how: { readonly call: CarrierCall; readonly decode: (answer: EndpointAnswer) => T },
  ): Promise<T> {
    const progress = this.#carrier.begin(how.call);
    return await this.#carrier.attempt(wire.queueCall(verb, body), progress, how.decode);
  }

  async #deliveries(
    verb: "dequeue" | "subscribe",
    request: DequeueRequest,
    progress: CallProgress,
  ): Promise<EndpointAnswer> {
    const path = request.withState === true ? `${verb}WithState` : verb;
    // A repetition may take another message beside one that nobody has seen: a commit settles both.
    const repeatable = (request.txnId ?? "") === "";
    const details = { ...wire.streamedAnswer, repeatable };
    const asking = wire.queueCall(path, wire.dequeueJson(request), details);
    return await this.#carrier.attempt(asking, progress, (answer) => answer);
  }

  /** A call that waits ends with the client, one that does not is let finish. */
  #beginWaiting(request: DequeueRequest, call: CarrierCall): CallProgress {
    const waits = (request.waitSeconds ?? 0) >= 0;
    return this.#carrier.begin(call, waits ? this.#carrier.closing : undefined);
  }

  /** Best effort: what cannot be given back is delivered again when its lease ends. */
  async #deferAll(unread: readonly UnreadDelivery[]): Promise<void> {
    const deferring = unread.map(async (delivery) => {
      const { namespace, queue, messageId, leaseId, fencingToken, txnId, metaEtag } = delivery;
      const { state, correlationId } = delivery;
      await this.nack(
        {
          ...{ namespace, queue, messageId, leaseId, fencingToken, txnId, metaEtag },
          ...{ stateLeaseId: state?.leaseId, stateFencingToken: state?.fencingToken },
          intent: "defer",
        },
        { timeoutMs: giveBackMsMax, correlationId: correlationId || undefined },
      );
    });
    await Promise.allSettled(deferring);
  }

  /** Servers that know one extension know them all. */
  async #findDedupes(): Promise<boolean> {
    if (this.#dedupes !== undefined) return this.#dedupes;
    try {
      await this.list({ limit: 1 });
      this.#dedupes = true;
    } catch (error) {
      if (!(error instanceof LockdApiError) || error.status !== 404) return false;
      this.#dedupes = false;
    }
    return this.#dedupes;
  }
}

/** The request under the key that makes it safe to repeat, unless it has one of its own. */
export function withRepeatKey(
  request: EnqueueRequest,
  repeatKey: string | undefined,
): EnqueueRequest {
  if (repeatKey === undefined || request.dedupeKey !== undefined) return request;
  return { ...request, dedupeKey: repeatKey, dedupeWindowSeconds: repeatWindowSeconds };
}

async function* watchEvents(answer: EndpointAnswer): AsyncGenerator<QueueWatchEvent> {
  const { body } = answer;
  const decoder = new EventDecoder();
  const chunks = body instanceof Uint8Array ? [body] : body;
  for await (const chunk of chunks) {
    for (const { name, data } of decoder.push(chunk)) {
      if (name !== "queue_watch") continue;
      yield answers.watchEvent(new JsonAnswer(Buffer.from(data)));
    }
  }
}

/** Servers that know no transactions of messages put them into the queue at once. */
function staged({ txnId }: EnqueueRequest, result: EnqueueResult): EnqueueResult {
  if ((txnId ?? "") === "" || result.txnId !== undefined) return result;
  const { namespace, queue, messageId } = result;
  throw new LockdProtocolError(
    "protocol",
    `this server knows no transactions of messages: ${namespace}/${queue} has ${messageId} already`,
  );
}
