import { stateKeyOf } from "../../api/message-keys.ts";
import type { Delivery } from "../../api/queues.ts";
import type { Mode } from "../connect.ts";
import { deliveryVariables } from "../queue/delivery-output.ts";
import { reachEnvironment } from "../run/reach-environment.ts";
import { markedEnvironment } from "../run/run-environment.ts";
import { ownKeysVariable, ownTxnVariable } from "./own-transaction.ts";

/** Of a lease, or a message, that we were started under ourselves: it is not this message's. */
const outerNames = [
  "LOCKD_CLIENT_KEY",
  "LOCKD_CLIENT_LEASE",
  "LOCKD_CLIENT_LEASE_ID",
  "LOCKD_CLIENT_FENCING_TOKEN",
  "LOCKD_CLIENT_TXN_ID",
  "LOCKD_TXN_ID",
  ownTxnVariable,
  ownKeysVariable,
];

export interface OuterEnvironment {
  readonly mode: Mode;
  readonly env: NodeJS.ProcessEnv;
  /** The one that the command works in, if it has one. */
  readonly transaction?: { readonly txnId: string; readonly keysFile: string } | undefined;
}

/**
 * The environment of a message's command: what `lockd dequeue` exports, and a few facts more. With
 * a state, `lockd get` and `lockd update` in it work on that without flags; with a transaction,
 * `lockd acquire` and `lockd enqueue` join that.
 */
export function workEnvironment(
  delivery: Delivery,
  payloadPath: string,
  outer: OuterEnvironment,
): NodeJS.ProcessEnv {
  const { state, attributes } = delivery;
  const env = reachEnvironment(outer.mode, markedEnvironment(delivery.leaseId, outer.env));
  for (const name of outerNames) delete env[name];
  for (const [name, value] of Object.entries(deliveryVariables(delivery, payloadPath))) {
    const variable = `LOCKD_QUEUE_${name}`;
    if (value === "") delete env[variable];
    else env[variable] = value;
  }
  Object.assign(env, {
    LOCKD_QUEUE_ATTEMPTS: String(delivery.attempts),
    LOCKD_QUEUE_FAILURE_ATTEMPTS: String(delivery.failureAttempts),
    LOCKD_QUEUE_MAX_ATTEMPTS: String(delivery.maxAttempts),
    LOCKD_QUEUE_CONTENT_TYPE: delivery.payloadContentType,
    LOCKD_QUEUE_ATTRIBUTES: JSON.stringify(attributes),
    LOCKD_QUEUE_CORRELATION_ID: delivery.correlationId,
    LOCKD_CLIENT_NAMESPACE: delivery.namespace,
  });
  const { transaction } = outer;
  if (transaction !== undefined) {
    env[ownTxnVariable] = transaction.txnId;
    env[ownKeysVariable] = transaction.keysFile;
    env.LOCKD_CLIENT_TXN_ID = transaction.txnId;
  }
  if (state === undefined) return env;
  return {
    ...env,
    LOCKD_CLIENT_KEY: stateKeyOf(delivery),
    LOCKD_CLIENT_LEASE: state.leaseId,
    LOCKD_CLIENT_FENCING_TOKEN: String(state.fencingToken),
    LOCKD_CLIENT_TXN_ID: state.txnId,
  };
}
