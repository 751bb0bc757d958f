import type { DequeueRequest } from "../../api/queues.ts";
import { callOptions } from "../call-options.ts";
import type { CarrierCall } from "../carrier-call.ts";
import { subscribeIdlePauseMs, subscribePauseMs } from "../limits.ts";
import { pause } from "../pause.ts";
import type { CallOptions } from "../types.ts";
import { handleMessage } from "./handle-message.ts";
import { Message } from "./message.ts";
import type { QueueHost } from "./queue-host.ts";
import type { QueueMessage, SubscribeOptions } from "./queue-types.ts";
import { asksAgain, consumerTerms } from "./wait-terms.ts";

/** A subscription as it was asked for, checked. */
export interface SubscriptionTerms {
  readonly request: DequeueRequest;
  readonly call: CallOptions;
  readonly onCloseDelayMs: number | undefined;
}

/** @throws LockdConfigError */
export function subscriptionTerms(
  host: QueueHost,
  queue: string,
  o: SubscribeOptions & CallOptions,
): SubscriptionTerms {
  const request = {
    ...consumerTerms(queue, o),
    namespace: o.namespace ?? host.namespace,
    pageSize: o.prefetch,
    withState: o.withState === true,
  };
  const { signal, timeoutMs, correlationId, onCloseDelayMs } = callOptions(o);
  return { request, call: { signal, timeoutMs, correlationId }, onCloseDelayMs };
}

/** Messages of one connection; ends with it. Leaving early gives back what was prefetched. */
export async function* messagesOnce(
  host: QueueHost,
  terms: SubscriptionTerms,
): AsyncGenerator<Message> {
  const { onCloseDelayMs } = terms;
  let endpoint = "";
  const call: CarrierCall = {
    ...host.carrierCall(terms.call),
    onEndpoint: (url) => {
      endpoint = url;
    },
  };
  const stream = await host.lockd.queues.subscribe(terms.request, call);
  try {
    for await (const delivery of stream) {
      yield new Message(host, { delivery, endpoint, onCloseDelayMs });
    }
    terms.call.signal?.throwIfAborted();
  } finally {
    await stream.close();
  }
}

/** As {@link messagesOnce}, asking again for as long as the server says so. */
export async function* messages(
  host: QueueHost,
  terms: SubscriptionTerms,
): AsyncGenerator<Message> {
  const waits = (terms.request.waitSeconds ?? 0) >= 0;
  for (;;) {
    let delivered = false;
    try {
      for await (const message of messagesOnce(host, terms)) {
        delivered = true;
        yield message;
      }
      return;
    } catch (error) {
      if (!asksAgain(error)) throw error;
    }
    const pauseMs = waits || delivered ? subscribePauseMs : subscribeIdlePauseMs;
    await pause(host.options.clock, pauseMs, terms.call.signal);
  }
}

/** One message at a time; ends with the stream, or with the first failure. */
export async function handleAll(
  host: QueueHost,
  terms: SubscriptionTerms,
  handler: (m: QueueMessage, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  for await (const message of messages(host, terms)) {
    const handled = await handleMessage(host, message, {
      signal: terms.call.signal,
      run: (signal) => handler(message, signal),
    });
    if (handled.kind === "done") {
      await message.close();
      continue;
    }
    // What became of the message matters less than why its handler failed.
    await message.close().catch((error: unknown) => {
      host.options.logger.warn("client.queue.nack_failed", { error: String(error) });
    });
    throw handled.error;
  }
}
