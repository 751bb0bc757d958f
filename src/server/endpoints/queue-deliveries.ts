/** dequeue and subscribe, with and without state (http-queue.md sections 5, 6 and 8). */
import { setImmediate } from "node:timers/promises";
import { failure } from "../../api/errors.ts";
import type { ServedLockd } from "../../api/lockd.ts";
import { dequeueFields } from "../../api/queue-wire.ts";
import type { Delivery, DeliveryStream, ServedQueues } from "../../api/queues.ts";
import { ClientGone, type Exchange } from "../exchange.ts";
import { joinedDeliveryBytesMax } from "../limits.ts";
import { deliveryMeta, newBoundary, partHeads } from "../multipart/delivery-parts.ts";
import { DeliveryWriter } from "../multipart/delivery-writer.ts";
import type { Route } from "../route.ts";
import { StreamBroken } from "../stream-broken.ts";
import { dequeueRequest, queueBody } from "./queue-requests.ts";

export function dequeueRoute(withState: boolean): Route {
  return {
    operation: withState ? "queue.dequeueWithState" : "queue.dequeue",
    run: async ({ queues }, exchange) => {
      const body = await queueBody(exchange, dequeueFields, { mayBeEmpty: true });
      const request = dequeueRequest(exchange, body, withState);
      const deliveries = await queues.dequeue(request, exchange);
      await sendBatch(queues, exchange, deliveries);
    },
  };
}

/** A small batch goes out in one write, a large one as the client reads. */
async function sendBatch(
  queues: ServedQueues,
  exchange: Exchange,
  deliveries: readonly Delivery[],
): Promise<void> {
  exchange.answeredId = deliveries[0]?.correlationId ?? exchange.answeredId;
  const waiting = [...deliveries];
  try {
    if (exchange.response.destroyed) throw new ClientGone();
    const joined = joinedBatch(deliveries);
    if (joined !== undefined) {
      waiting.length = 0;
      exchange.byteText(200, joined.text, ["Content-Type", joined.contentType]);
      return;
    }
    const writer = new DeliveryWriter(exchange);
    for (const [index, delivery] of deliveries.entries()) {
      const written = { ...delivery, meta: deliveryMeta(delivery) };
      waiting.shift();
      await writer.write(written, deliveries.length > 1 ? index : undefined);
    }
    writer.end();
  } catch (error) {
    // Not a byte of these was written: they need not wait for their leases to end.
    for (const delivery of waiting) await giveBack(queues, delivery);
    throw error;
  }
}

/** The whole batch as one text of bytes, which leaves in one piece with the answer's head. */
function joinedBatch(
  deliveries: readonly Delivery[],
): { readonly text: string; readonly contentType: string } | undefined {
  const boundary = newBoundary();
  let text = `--${boundary}`;
  for (const [at, delivery] of deliveries.entries()) {
    const { payload } = delivery;
    if (!(payload instanceof Uint8Array)) return undefined;
    if (text.length + payload.length > joinedDeliveryBytesMax) return undefined;
    const index = deliveries.length > 1 ? at : undefined;
    const meta = deliveryMeta(delivery);
    const heads = partHeads({ boundary, meta, payload: delivery, index });
    text += `${at === 0 ? "" : `\r\n--${boundary}`}${asByteText(heads)}${latin1Of(payload)}`;
  }
  text += `\r\n--${boundary}--\r\n`;
  return { text, contentType: `multipart/related; boundary=${boundary}` };
}

/** UTF-8, a character a byte; ASCII is that already. */
function asByteText(text: string): string {
  if (Buffer.byteLength(text) === text.length) return text;
  return Buffer.from(text).toString("latin1");
}

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

export function subscribeRoute(withState: boolean): Route {
  return {
    operation: withState ? "queue.subscribeWithState" : "queue.subscribe",
    run: (lockd, exchange) => subscribe(lockd, exchange, withState),
  };
}

async function subscribe(
  { queues }: ServedLockd,
  exchange: Exchange,
  withState: boolean,
): Promise<void> {
  const body = await queueBody(exchange, dequeueFields, { mayBeEmpty: true });
  const request = dequeueRequest(exchange, body, withState);
  const stream = await queues.subscribe(request, exchange.endless);
  const closeStream = (): void => void stream.close().catch(() => {});
  // Nothing may be leased for a client that is leaving, or may be.
  exchange.waitSignal.addEventListener("abort", closeStream, { once: true });
  if (exchange.waitSignal.aborted) closeStream();
  const writer = new DeliveryWriter(exchange);
  try {
    await relay(queues, { stream, exchange, writer });
    if (!writer.begun) throw nothingCame();
    writer.end();
  } catch (error) {
    // Behind the head there is no error answer: a clean end makes the client ask again (8.5).
    if (!writer.begun || error instanceof ClientGone) throw error;
    writer.end();
    throw new StreamBroken(error);
  } finally {
    exchange.waitSignal.removeEventListener("abort", closeStream);
    await stream.close();
  }
}

/** The message it began with was gone before it could be leased: the client asks again. */
function nothingCame(): Error {
  return failure("waiting", "no message could be delivered", { retryAfterMs: 1_000 });
}

/** One delivery at a time: the next is leased when the client took what was written so far. */
async function relay(
  queues: ServedQueues,
  parts: {
    readonly stream: DeliveryStream;
    readonly exchange: Exchange;
    readonly writer: DeliveryWriter;
  },
): Promise<void> {
  const { stream, exchange, writer } = parts;
  for await (const delivery of stream) {
    // That the client left may stand behind what made this message ready: look once more.
    if (writer.begun) await setImmediate();
    if (exchange.waitSignal.aborted) {
      await giveBack(queues, delivery);
      // Who only stopped sending gets a clean end; who is gone is not written to.
      if (writer.begun && !exchange.response.destroyed) return;
      throw exchange.waitSignal.reason;
    }
    if (!writer.begun) exchange.answeredId = delivery.correlationId;
    await writer.write({ ...delivery, meta: deliveryMeta(delivery) });
  }
}

/** Its lease ends by itself when this fails. */
async function giveBack(queues: ServedQueues, delivery: Delivery): Promise<void> {
  if (!(delivery.payload instanceof Uint8Array)) await delivery.payload.close().catch(() => {});
  await queues.giveBack(delivery).catch(() => {});
}
