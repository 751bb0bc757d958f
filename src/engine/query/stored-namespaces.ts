import type { Store } from "../ports/store.ts";
import { recordPrefix } from "../record/key-record.ts";
import { callStore } from "../store-failure.ts";

/** Sorts behind every character a key may have. */
const behindAllKeys = "\u{10ffff}";

/** Every namespace with a key, sorted: one look-up for each, however many keys they have. */
export async function storedNamespaces(
  store: Store,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const page = { limit: 1, ...(after === undefined ? {} : { after }) };
    const { names } = await callStore(() => store.list(recordPrefix, page));
    const namespace = names[0]?.slice(recordPrefix.length).split("/")[0];
    if (namespace === undefined) return found.sort();
    found.push(namespace);
    after = `${recordPrefix}${namespace}/${behindAllKeys}`;
  }
}
