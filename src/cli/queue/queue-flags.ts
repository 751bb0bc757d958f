/** Flags that the queue commands share (cli.md section 9). */
import { Flags } from "../oclif.ts";

/** Which queue, and where. */
export const queueFlags = {
  queue: Flags.string({
    char: "q",
    description: "the queue, also as the first argument [env: LOCKD_QUEUE_NAME]",
  }),
  namespace: Flags.string({
    char: "n",
    description:
      "namespace of the queue [env: LOCKD_QUEUE_NAMESPACE, LOCKD_CLIENT_NAMESPACE]; " +
      "default: the store's or server's default",
  }),
} as const;

/** Identity of one delivery; dequeue prints these. */
export const deliveryFlags = {
  ...queueFlags,
  message: Flags.string({ description: "message id, a UUIDv7 [env: LOCKD_QUEUE_MESSAGE_ID]" }),
  lease: Flags.string({ description: "lease id, an xid [env: LOCKD_QUEUE_LEASE]" }),
  "meta-etag": Flags.string({
    description: "etag of the message record [env: LOCKD_QUEUE_META_ETAG]",
  }),
  "fencing-token": Flags.string({
    description: "fencing token, an integer > 0 [env: LOCKD_QUEUE_FENCING_TOKEN]",
  }),
  "state-lease": Flags.string({
    description: "lease id of its state, an xid [env: LOCKD_QUEUE_STATE_LEASE]",
  }),
  "state-fencing-token": Flags.string({
    description: "fencing token of its state [env: LOCKD_QUEUE_STATE_FENCING_TOKEN]",
  }),
  "txn-id": Flags.string({ description: "transaction id, an xid [env: LOCKD_QUEUE_TXN_ID]" }),
} as const;

/** How messages are taken. */
export const takeFlags = {
  ...queueFlags,
  owner: Flags.string({ description: "who takes it; default <hostname>-<pid>" }),
  visibility: Flags.string({
    description: "how long a message is ours; default what its producer chose, else 30s",
  }),
  stateful: Flags.boolean({ description: "take each message with the lease of its state" }),
} as const;

/** Forms of a result. */
export const textOrJson = Flags.string({
  char: "o",
  options: ["text", "json"],
  default: "text",
});
