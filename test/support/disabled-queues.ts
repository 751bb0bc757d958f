import { failure } from "../../src/api/errors.ts";
import type { ServedQueues } from "../../src/api/queues.ts";

async function disabled(): Promise<never> {
  throw failure("queue_disabled", "this lockd keeps no queues");
}

/** The queues of a lockd without any: every call is refused with `queue_disabled`. */
export const disabledQueues: ServedQueues = {
  enqueue: disabled,
  dequeue: disabled,
  subscribe: disabled,
  ack: disabled,
  nack: disabled,
  extend: disabled,
  stats: disabled,
  watch: disabled,
  list: disabled,
  deadLetters: disabled,
  deadLetter: disabled,
  redrive: disabled,
  purge: disabled,
  giveBack: disabled,
};
