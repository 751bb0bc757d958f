/** The calls that clients of queues make, with what the checks want to know of each. */
import type { DeadLetterSelection, DeliveredState } from "../../../src/api/queues.ts";
import { wholeBody } from "../answer.ts";
import { payloadText, type SeenDelivery, seen } from "./delivery.ts";
import type { QueueCall } from "./wire.ts";

export interface DequeueAsk {
  readonly waitSeconds: number;
  readonly pageSize: number;
  readonly visibilitySeconds: number;
  readonly withState?: boolean;
}

export function dequeueCall(queue: string, owner: string, ask: DequeueAsk): QueueCall {
  const { waitSeconds, pageSize, visibilitySeconds, withState } = ask;
  const request = { queue, owner, waitSeconds, pageSize, withState };
  return {
    verb: "dequeue",
    about: { queue, owner, waitSeconds, withState },
    run: async (queues, signal) => {
      const page = await queues.dequeue(
        { ...request, visibilityTimeoutSeconds: visibilitySeconds },
        { signal },
      );
      return Promise.all(page.map(seen));
    },
  };
}

export function settleCall(
  verb: "ack" | "nack" | "extend",
  delivery: SeenDelivery,
  extra: { metaEtag?: string; intent?: string; delaySeconds?: number; extendBySeconds?: number },
): QueueCall {
  const { queue, messageId, leaseId, fencingToken, txnId, state } = delivery;
  const stateLeaseId = state?.leaseId;
  const claim =
    state === undefined
      ? {}
      : { stateLeaseId, stateFencingToken: state.fencingToken, stateEtag: state.etag };
  const request = { ...delivery, ...claim, ...extra };
  const { intent } = extra;
  const about = { queue, messageId, leaseId, fencingToken, txnId, stateLeaseId, ...extra, intent };
  return { verb, about, run: (queues) => queues[verb](request) };
}

/** A state as its holder reads it. */
export interface SeenState {
  /** undefined: there is none. */
  readonly value: string | undefined;
}

interface Held {
  readonly delivery: SeenDelivery;
  readonly state: DeliveredState;
}

function stateAddress({ delivery, state }: Held) {
  const { leaseId, fencingToken, txnId } = state;
  const key = `q/${delivery.queue}/state/${delivery.messageId}`;
  return { key, leaseId, fencingToken, txnId };
}

function aboutState({ delivery: { messageId }, state }: Held) {
  return { ownerId: messageId, stateLeaseId: state.leaseId, stateToken: state.fencingToken };
}

export function readStateCall(held: Held): QueueCall {
  return {
    verb: "readState",
    about: aboutState(held),
    run: async (_queues, _signal, lockd): Promise<SeenState> => {
      const { exists, body } = await lockd.get(stateAddress(held));
      if (!exists) return { value: undefined };
      const bytes = await wholeBody(body);
      return { value: (JSON.parse(Buffer.from(bytes).toString()) as { v: string }).v };
    },
  };
}

export function writeStateCall(held: Held, value: string): QueueCall {
  return {
    verb: "writeState",
    about: { ...aboutState(held), value },
    run: async (_queues, signal, lockd) => {
      const body = Buffer.from(JSON.stringify({ v: value }));
      await lockd.update(stateAddress(held), body, { signal });
      return {};
    },
  };
}

export interface SeenLetter {
  readonly messageId: string;
  readonly attempts: number;
  readonly failureAttempts: number;
}

export function lettersCall(queue: string, cursor: string | undefined): QueueCall {
  return {
    verb: "letters",
    about: { queue, cursor },
    run: async (queues): Promise<readonly SeenLetter[]> => {
      const { letters } = await queues.deadLetters({ queue, cursor, limit: 20 });
      return letters.map(({ messageId, attempts, failureAttempts }) => {
        return { messageId, attempts, failureAttempts };
      });
    },
  };
}

export function letterCall(queue: string, letterId: string): QueueCall {
  return {
    verb: "letter",
    about: { queue, letterId },
    run: async (queues) => {
      const { payload } = await queues.deadLetter({ queue, messageId: letterId });
      return payloadText(await wholeBody(payload));
    },
  };
}

/** One letter, or all of the queue. */
export function changeCall(
  verb: "redrive" | "purge",
  queue: string,
  letterId: string | undefined,
): QueueCall {
  const which: DeadLetterSelection =
    letterId === undefined ? { all: true } : { messageId: letterId };
  return { verb, about: { queue, letterId }, run: (queues) => queues[verb]({ queue, ...which }) };
}
