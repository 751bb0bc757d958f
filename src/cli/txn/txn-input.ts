/** Transaction ids and participants as people write them (cli.md section 10). */
import { isXidText } from "../../api/names.ts";
import type { TxnParticipant } from "../../api/transactions.ts";

import { firstGiven } from "../lease-input.ts";
import { UsageError } from "../usage-error.ts";

/** @throws UsageError when no id is given anywhere, or it is none */
export function txnIdInput(
  flags: { readonly "txn-id"?: string | undefined },
  argument: string | undefined,
  env: NodeJS.ProcessEnv,
): string {
  const given = firstGiven(argument, flags["txn-id"], env.LOCKD_CLIENT_TXN_ID, env.LOCKD_TXN_ID);
  if (given === undefined) {
    throw new UsageError("--txn-id is required (or set LOCKD_CLIENT_TXN_ID; see lockd txn begin)");
  }
  if (isXidText(given)) return given;
  throw new UsageError(`"${given}" is no transaction id: 20 characters of 0-9 a-v, then 0 or g`);
}

/** Every `-p`, also several in one separated by commas. @throws UsageError */
export function participantsInput(flags: {
  readonly participant?: readonly string[] | undefined;
  readonly namespace?: string | undefined;
}): readonly TxnParticipant[] {
  const texts = (flags.participant ?? []).flatMap((text) => text.split(","));
  const namespace = firstGiven(flags.namespace) ?? "default";
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => participant(text, namespace));
}

/** The last `@` splits off the island, the first `:` the namespace. */
function participant(text: string, fallback: string): TxnParticipant {
  const at = text.lastIndexOf("@");
  const name = at === -1 ? text : text.slice(0, at);
  const backendHash = at === -1 ? undefined : text.slice(at + 1).trim();
  const { namespace, key } = splitKey(name);
  if (backendHash === "" || key === "" || namespace === "") {
    throw new UsageError(`participant "${text}" must be [NAMESPACE:]KEY[@BACKEND_HASH]`);
  }
  return { namespace: namespace ?? fallback, key, backendHash };
}

/** `NAMESPACE:KEY` or `KEY`. */
export function splitKey(text: string): {
  readonly namespace: string | undefined;
  readonly key: string;
} {
  const colon = text.indexOf(":");
  if (colon === -1) return { namespace: undefined, key: text.trim() };
  return { namespace: text.slice(0, colon).trim(), key: text.slice(colon + 1).trim() };
}
