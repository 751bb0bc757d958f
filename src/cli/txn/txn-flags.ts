import { Flags } from "../oclif.ts";

/** Which transaction; also the first argument. */
export const txnFlags = {
  "txn-id": Flags.string({
    description: "transaction id, an xid, also as the first argument [env: LOCKD_CLIENT_TXN_ID]",
  }),
  output: Flags.string({ char: "o", options: ["text", "json"], default: "text" }),
} as const;

/** What else is to share the transaction's fate. */
export const participantFlags = {
  participant: Flags.string({
    char: "p",
    multiple: true,
    description: "[NAMESPACE:]KEY[@BACKEND_HASH]; repeat it, or separate by commas",
  }),
  namespace: Flags.string({
    char: "n",
    env: "LOCKD_CLIENT_NAMESPACE",
    description: "namespace of participants that name none; default: default",
  }),
} as const;
