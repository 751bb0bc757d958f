/** A delivery as clients and checks know it: plain data, its payload read. */
import type { DeliveredState, Delivery } from "../../../src/api/queues.ts";

export interface SeenDelivery {
  readonly queue: string;
  readonly messageId: string;
  readonly leaseId: string;
  readonly fencingToken: number;
  readonly txnId: string;
  readonly metaEtag: string;
  readonly attempts: number;
  readonly failureAttempts: number;
  readonly leaseExpiresAtUnix: number;
  readonly visibilityTimeoutSeconds: number;
  readonly payload: string;
  readonly state: DeliveredState | undefined;
}

export async function seen(delivery: Delivery): Promise<SeenDelivery> {
  const parts: Uint8Array[] = [];
  if (delivery.payload instanceof Uint8Array) parts.push(delivery.payload);
  else for await (const part of delivery.payload) parts.push(part);
  const { queue, messageId, leaseId, fencingToken, txnId, metaEtag, attempts } = delivery;
  const { failureAttempts, leaseExpiresAtUnix, visibilityTimeoutSeconds, state } = delivery;
  return {
    ...{ queue, messageId, leaseId, fencingToken, txnId, metaEtag, attempts, failureAttempts },
    ...{ leaseExpiresAtUnix, visibilityTimeoutSeconds, state },
    payload: payloadText(Buffer.concat(parts)),
  };
}

/** Large payloads repeat their name; the name is what the checks compare. */
export function payloadText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0x7c);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString();
}
