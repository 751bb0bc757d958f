/** A delivery for `eval`, for commands, and for programs (cli.md sections 6 and 9.1). */
import type { Delivery } from "../../api/queues.ts";
import { exportLine, unsetLine } from "../shell-words.ts";

const stateNames = ["STATE_LEASE", "STATE_FENCING_TOKEN", "STATE_ETAG"] as const;

/** All that a delivery can export, in the order of the contract. */
const deliveryNames = [
  "NAMESPACE",
  "NAME",
  "MESSAGE_ID",
  "LEASE",
  "FENCING_TOKEN",
  "META_ETAG",
  "PAYLOAD_PATH",
  "CURSOR",
  "TXN_ID",
  ...stateNames,
] as const;

type Name = (typeof deliveryNames)[number];

/** What a delivery says of itself; `payloadPath` where its payload is. */
export function deliveryVariables(
  delivery: Delivery,
  payloadPath: string,
): Readonly<Record<Name, string>> {
  const { state } = delivery;
  return {
    NAMESPACE: delivery.namespace,
    NAME: delivery.queue,
    MESSAGE_ID: delivery.messageId,
    LEASE: delivery.leaseId,
    FENCING_TOKEN: String(delivery.fencingToken),
    META_ETAG: delivery.metaEtag,
    PAYLOAD_PATH: payloadPath,
    CURSOR: "",
    TXN_ID: delivery.txnId,
    STATE_LEASE: state?.leaseId ?? "",
    STATE_FENCING_TOKEN: state === undefined ? "" : String(state.fencingToken),
    STATE_ETAG: state?.etag ?? "",
  };
}

/** Assignments of what is set; without a state those of an earlier delivery are taken back. */
export function deliveryLines(delivery: Delivery, payloadPath: string): string {
  const values = deliveryVariables(delivery, payloadPath);
  const set = deliveryNames
    .filter((name) => values[name] !== "")
    .map((name) => exportLine(`LOCKD_QUEUE_${name}`, values[name]));
  const unset = delivery.state === undefined ? stateNames : [];
  const lines = [...set, ...unset.map((name) => unsetLine(`LOCKD_QUEUE_${name}`))];
  return lines.map((line) => `${line}\n`).join("");
}

/** Takes back everything that a delivery exported. */
export function settledLines(): string {
  return deliveryNames.map((name) => `${unsetLine(`LOCKD_QUEUE_${name}`)}\n`).join("");
}

export function metaEtagLine(metaEtag: string): string {
  return `${exportLine("LOCKD_QUEUE_META_ETAG", metaEtag)}\n`;
}

export function deliveryJson(delivery: Delivery, payloadPath: string | undefined) {
  const { state, attributes } = delivery;
  return {
    namespace: delivery.namespace,
    queue: delivery.queue,
    message_id: delivery.messageId,
    attempts: delivery.attempts,
    failure_attempts: delivery.failureAttempts,
    max_attempts: delivery.maxAttempts,
    visibility_timeout_secs: delivery.visibilityTimeoutSeconds,
    not_visible_until_unix: delivery.notVisibleUntilUnix,
    lease_id: delivery.leaseId,
    lease_expires_at_unix: delivery.leaseExpiresAtUnix,
    fencing_token: delivery.fencingToken,
    meta_etag: delivery.metaEtag,
    cursor: "",
    payload_path: payloadPath,
    payload_content_type: delivery.payloadContentType,
    payload_bytes: delivery.payloadBytes,
    txn_id: delivery.txnId === "" ? undefined : delivery.txnId,
    attributes: Object.keys(attributes).length === 0 ? undefined : attributes,
    correlation_id: delivery.correlationId,
    ...(state === undefined
      ? {}
      : {
          state_lease_id: state.leaseId,
          state_fencing_token: state.fencingToken,
          state_etag: state.etag,
          state_lease_expires_at_unix: state.leaseExpiresAtUnix,
        }),
  };
}
