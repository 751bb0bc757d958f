import { failure } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import type { Delivery, DequeueRequest, MessageAddress, Queues } from "../../api/queues.ts";
import { note } from "../output.ts";
import { abortLater } from "../run/abort-later.ts";
import { writePayload } from "./payload-file.ts";

/** Milliseconds. Limit of giving a message back whose payload could not be written. */
const giveBackMsMax = 5_000;

/**
 * Takes one message and puts its payload where it is wanted. One that cannot be written, or that
 * comes when nobody wants it any more, is given back at once.
 */
export async function takeMessage(
  queues: Queues,
  request: DequeueRequest,
  ...[target]: [{ readonly call: LockdCall; readonly payloadPath: string }]
): Promise<Delivery> {
  const { signal } = target.call;
  const call = { ...target.call, signal: signal === undefined ? undefined : abortLater(signal) };
  const [delivery] = await queues.dequeue({ ...request, pageSize: 1 }, call);
  if (delivery === undefined) throw failure("waiting", `queue ${request.queue} is empty`);
  try {
    signal?.throwIfAborted();
    await writePayload(delivery.payload, target.payloadPath);
    return delivery;
  } catch (error) {
    await giveBack(queues, delivery);
    throw error;
  }
}

/** Without counting it as a failure. Best effort: it comes back anyway when its lease ends. */
export async function giveBack(queues: Queues, delivery: Delivery): Promise<void> {
  const { correlationId } = delivery;
  const signal = AbortSignal.timeout(giveBackMsMax);
  try {
    const request = { ...addressOf(delivery), intent: "defer" };
    await queues.nack(request, { signal, correlationId: correlationId || undefined });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    note(`message ${delivery.messageId} comes back when its lease ends: ${reason}`);
  }
}

/** What ack, nack and extend have to know of a delivery. */
export function addressOf(delivery: Delivery): MessageAddress {
  const { namespace, queue, messageId, leaseId, fencingToken, metaEtag, state } = delivery;
  return {
    ...{ namespace, queue, messageId, leaseId, fencingToken, metaEtag },
    txnId: delivery.txnId === "" ? undefined : delivery.txnId,
    stateLeaseId: state?.leaseId,
    stateFencingToken: state?.fencingToken,
  };
}
