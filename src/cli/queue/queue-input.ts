/** Queue and delivery of a command: flags, then the environment that dequeue exported. */
import type { AckRequest, QueueAddress } from "../../api/queues.ts";
import { firstGiven } from "../lease-input.ts";
import { UsageError } from "../usage-error.ts";
import { parseDuration, parseWhole } from "../values.ts";

type Env = NodeJS.ProcessEnv;

interface QueueInput {
  readonly queue?: string | undefined;
  readonly namespace?: string | undefined;
}

interface DeliveryInput extends QueueInput {
  readonly message?: string | undefined;
  readonly lease?: string | undefined;
  readonly "meta-etag"?: string | undefined;
  readonly "fencing-token"?: string | undefined;
  readonly "state-lease"?: string | undefined;
  readonly "state-fencing-token"?: string | undefined;
  readonly "state-etag"?: string | undefined;
  readonly "txn-id"?: string | undefined;
}

export function queueNamespace(flags: QueueInput, env: Env): string | undefined {
  return firstGiven(flags.namespace, env.LOCKD_QUEUE_NAMESPACE, env.LOCKD_CLIENT_NAMESPACE);
}

/** @throws UsageError when no queue is given anywhere, or two different ones are */
export function queueInput(
  flags: QueueInput,
  argument: string | undefined,
  env: Env,
): QueueAddress & { readonly queue: string } {
  const queue = firstGiven(argument, flags.queue, env.LOCKD_QUEUE_NAME);
  if (argument !== undefined && flags.queue !== undefined && argument !== flags.queue) {
    throw new UsageError(`the queue is given twice: ${argument} and --queue ${flags.queue}`);
  }
  if (queue === undefined) {
    throw new UsageError("--queue is required (or set LOCKD_QUEUE_NAME)");
  }
  return { queue, namespace: queueNamespace(flags, env) };
}

/**
 * As {@link queueInput}, but a queue left over in the environment is none to put messages into: who
 * handles a message of one queue usually means another one.
 */
export function namedQueue(
  flags: QueueInput,
  argument: string | undefined,
  env: Env,
): QueueAddress & { readonly queue: string } {
  if (firstGiven(argument, flags.queue) === undefined) {
    throw new UsageError("--queue is required; write for example lockd enqueue -q jobs");
  }
  return queueInput(flags, argument, env);
}

const takeFirst = 'take a message first with eval "$(lockd dequeue QUEUE)"';

function deliveredFrom(flags: QueueInput, env: Env): QueueAddress {
  if (firstGiven(flags.queue, env.LOCKD_QUEUE_NAME) !== undefined) {
    return queueInput(flags, undefined, env);
  }
  throw new UsageError(`--queue is required (or set LOCKD_QUEUE_NAME): ${takeFirst}`);
}

/** @throws UsageError naming the flag and the variable of what is missing */
export function deliveryInput(flags: DeliveryInput, env: Env): AckRequest {
  const given = (flag: keyof DeliveryInput, variable: string): string | undefined =>
    firstGiven(flags[flag], env[`LOCKD_QUEUE_${variable}`]);
  const required = (flag: keyof DeliveryInput, variable: string): string => {
    const value = given(flag, variable);
    if (value !== undefined) return value;
    throw new UsageError(`--${flag} is required (or set LOCKD_QUEUE_${variable}): ${takeFirst}`);
  };
  const address = deliveredFrom(flags, env);
  const stateLeaseId = given("state-lease", "STATE_LEASE");
  const stateToken =
    stateLeaseId === undefined ? undefined : required("state-fencing-token", "STATE_FENCING_TOKEN");
  return {
    ...address,
    messageId: required("message", "MESSAGE_ID"),
    leaseId: required("lease", "LEASE"),
    metaEtag: required("meta-etag", "META_ETAG"),
    fencingToken: parseWhole(required("fencing-token", "FENCING_TOKEN"), "--fencing-token", 1),
    txnId: given("txn-id", "TXN_ID"),
    stateLeaseId,
    stateFencingToken:
      stateToken === undefined ? undefined : parseWhole(stateToken, "--state-fencing-token", 1),
    stateEtag: stateLeaseId === undefined ? undefined : given("state-etag", "STATE_ETAG"),
  };
}

/** Whole seconds of a duration, rounded up so that nothing is shortened. @throws UsageError */
export function secondsInput(text: string | undefined, what: string): number | undefined {
  return text === undefined ? undefined : Math.ceil(parseDuration(text, what) / 1000);
}

/** @throws UsageError */
export function wholeInput(
  text: string | undefined,
  what: string,
  ...[min]: [number]
): number | undefined {
  return text === undefined ? undefined : parseWhole(text, what, min);
}
