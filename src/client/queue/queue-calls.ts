import { LockdApiError, LockdConfigError } from "../../api/errors.ts";
import type { BodyIn } from "../../api/lockd.ts";
import type { EnqueueRequest } from "../../api/queues.ts";
import { oneShotBody, replayableBody } from "../body-input.ts";
import { callOptions } from "../call-options.ts";
import type { CarrierCall } from "../carrier-call.ts";
import { generateCorrelationId } from "../generate-correlation-id.ts";
import { maxDeliveriesDefault, watchPauseMs } from "../limits.ts";
import { pause } from "../pause.ts";
import { isReplayable } from "../replayable-body.ts";
import type { BodyInput, Call, CallOptions } from "../types.ts";
import { Message } from "./message.ts";
import { QueueAdministration } from "./queue-admin.ts";
import type { QueueHost } from "./queue-host.ts";
import type {
  DequeueOptions,
  EnqueueOptions,
  EnqueueResult,
  QueueAdmin,
  QueueClient,
  QueueMessage,
  QueueStats,
  QueueWatchEvent,
  StatefulMessage,
  SubscribeOptions,
} from "./queue-types.ts";
import * as received from "./received.ts";
import { handleAll, messages, subscriptionTerms } from "./subscription.ts";
import { consumerTerms, secondsOf } from "./wait-terms.ts";

type InNamespace = Call<{ namespace?: string | undefined }>;
type Handler = (m: QueueMessage, signal: AbortSignal) => Promise<void>;

/** The queue side of a client (client-sdk.md section 10). */
export abstract class QueueCalls implements QueueClient {
  #admin: QueueAdministration | undefined;

  /** What the queue side needs of the rest of the client. */
  abstract get queueHost(): QueueHost;

  get queues(): QueueAdmin {
    this.#admin ??= new QueueAdministration(this.queueHost);
    return this.#admin;
  }

  async enqueue(
    queue: string,
    payload: BodyInput | null,
    ...[o]: [Call<EnqueueOptions>?]
  ): Promise<EnqueueResult> {
    const host = this.queueHost;
    const call = host.carrierCall(o);
    const body = await payloadBody(payload);
    const options = callOptions(o);
    const request = enqueueRequest(host, queue, options);
    const repeats = options.dedupeKey === undefined && isReplayable(body);
    const result = await host.lockd.queues.enqueue(
      request,
      body,
      repeats ? { ...call, repeatKey: generateCorrelationId() } : call,
    );
    return received.enqueued(result);
  }

  async dequeue(queue: string, o: DequeueOptions & CallOptions): Promise<QueueMessage | null> {
    const [message] = await this.#dequeue(queue, o, { pageSize: 1, withState: false });
    return message ?? null;
  }

  async dequeueWithState(
    queue: string,
    o: DequeueOptions & CallOptions,
  ): Promise<StatefulMessage | null> {
    const [message] = await this.#dequeue(queue, o, { pageSize: 1, withState: true });
    if (message === undefined) return null;
    if (isStateful(message)) return message;
    throw new LockdConfigError("protocol", "a message came without the state that was asked for");
  }

  async dequeueBatch(queue: string, o: DequeueOptions & CallOptions): Promise<QueueMessage[]> {
    return await this.#dequeue(queue, o, { pageSize: o.pageSize, withState: false });
  }

  subscribe(queue: string, o: SubscribeOptions & CallOptions): AsyncIterable<QueueMessage>;
  subscribe(
    queue: string,
    o: SubscribeOptions & CallOptions,
    ...[handler]: [Handler]
  ): Promise<void>;
  subscribe(
    queue: string,
    o: SubscribeOptions & CallOptions,
    ...[handler]: [Handler?]
  ): AsyncIterable<QueueMessage> | Promise<void> {
    const host = this.queueHost;
    if (handler === undefined) return messages(host, subscriptionTerms(host, queue, o));
    return (async () => handleAll(host, subscriptionTerms(host, queue, o), handler))();
  }

  async *watch(queue: string, o?: InNamespace): AsyncGenerator<QueueWatchEvent> {
    const host = this.queueHost;
    const { namespace = host.namespace, signal } = callOptions(o);
    for (;;) {
      const call = host.carrierCall(o);
      const events = await host.lockd.queues.watch({ namespace, queue }, call);
      for await (const event of events) yield received.watched(event);
      signal?.throwIfAborted();
      await pause(host.options.clock, watchPauseMs, signal);
    }
  }

  async queueStats(queue: string, o?: InNamespace): Promise<QueueStats> {
    const host = this.queueHost;
    const { namespace = host.namespace } = callOptions(o);
    const call = host.carrierCall(o);
    return received.stats(await host.lockd.queues.stats({ namespace, queue }, call));
  }

  async #dequeue(
    queue: string,
    o: DequeueOptions & CallOptions,
    page: { readonly pageSize: number | undefined; readonly withState: boolean },
  ): Promise<Message[]> {
    const host = this.queueHost;
    let endpoint = "";
    const call: CarrierCall = {
      ...host.carrierCall(o),
      onEndpoint: (url) => {
        endpoint = url;
      },
    };
    const namespace = o.namespace ?? host.namespace;
    const request = { ...consumerTerms(queue, o), ...page, namespace };
    const { onCloseDelayMs } = o;
    try {
      const deliveries = await host.lockd.queues.dequeue(request, call);
      return deliveries.map(
        (delivery) => new Message(host, { delivery, endpoint, onCloseDelayMs }),
      );
    } catch (error) {
      if (error instanceof LockdApiError && error.code === "waiting") return [];
      throw error;
    }
  }
}

function isStateful(message: QueueMessage): message is StatefulMessage {
  return message.state !== undefined;
}

/** One-shot streams stay streams: payloads have no limit, so nothing is kept to send it again. */
async function payloadBody(payload: BodyInput | null): Promise<BodyIn> {
  if (payload === null) return new Uint8Array(0);
  const again =
    typeof payload === "function" ||
    typeof payload === "string" ||
    payload instanceof Uint8Array ||
    payload instanceof Blob;
  return again ? (await replayableBody(payload)).body : await oneShotBody(payload);
}

function enqueueRequest(host: QueueHost, queue: string, o: EnqueueOptions): EnqueueRequest {
  const maxDeliveries = o.maxDeliveries ?? maxDeliveriesDefault;
  return {
    namespace: o.namespace ?? host.namespace,
    queue,
    delaySeconds: secondsOf("delayMs", o.delayMs),
    visibilityTimeoutSeconds: secondsOf("visibilityMs", o.visibilityMs),
    ttlSeconds: secondsOf("ttlMs", o.ttlMs),
    maxAttempts: o.maxAttempts,
    attributes: o.attributes,
    payloadContentType: o.contentType,
    maxDeliveries: maxDeliveries === 0 ? undefined : maxDeliveries,
    priority: o.priority,
    group: o.group,
    dedupeKey: o.dedupeKey === false ? undefined : o.dedupeKey,
    dedupeWindowSeconds: secondsOf("dedupeWindowMs", o.dedupeWindowMs),
    txnId: o.txnId,
  };
}
