/** The keys of one run: the first one, and those of `--also`. */
import type { AcquireRequest, KeyAddress } from "../../api/lockd.ts";
import { keyName } from "../same-key.ts";
import { splitKey } from "../txn/txn-input.ts";
import { UsageError } from "../usage-error.ts";

interface RunKeys {
  readonly main: KeyAddress;
  /** `[NAMESPACE:]KEY` each. */
  readonly also: readonly string[];
}

/**
 * What to acquire, in the one order in which everybody takes keys, so that no two runs wait for
 * each other. Several keys are of one transaction. @throws UsageError for a key named twice
 */
export async function runAcquires(
  { main, also }: RunKeys,
  terms: Omit<AcquireRequest, "key" | "namespace">,
): Promise<readonly AcquireRequest[]> {
  if (also.length === 0) return [{ ...terms, ...main }];
  const { mintTxnId } = await import("../../client/txn/mint-txn-id.ts");
  const txnId = mintTxnId(Date.now());
  const keys = [main, ...also.map((text) => alsoKey(text, main.namespace))];
  const byName = new Map<string, KeyAddress>();
  for (const address of keys) {
    const name = keyName(address);
    if (byName.has(name)) throw new UsageError(`the key ${address.key} is named twice`);
    byName.set(name, address);
  }
  const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, address]) => ({ ...terms, ...address, txnId }));
}

function alsoKey(text: string, fallback: string | undefined): KeyAddress {
  const { namespace = fallback, key } = splitKey(text);
  if (key !== "" && namespace !== "") return { namespace, key };
  throw new UsageError(`--also "${text}" must be [NAMESPACE:]KEY`);
}
