/** Where a walk gets its keys from, a page at a time: the records themselves, or an index. */
import type { CheckedSelector } from "../../lql/selector/selector.ts";
import { candidatePageKeys, scanPageAgeMsMax, scanPageRecords } from "../limits.ts";
import type { Store } from "../ports/store.ts";
import { recordName } from "../record/key-record.ts";
import { callStore } from "../store-failure.ts";
import type { NamespaceIndex } from "./candidates.ts";

export interface PageEntry {
  readonly key: string;
  /** The record's bytes when the page came with them; else they are still to be read. */
  readonly record: Uint8Array | undefined;
}

export interface SourcePage {
  readonly entries: readonly PageEntry[];
  readonly more: boolean;
}

export interface PageSource {
  /** Milliseconds for which a page may be used; then the rest of it is read again. */
  readonly pageAgeMsMax: number;
  /** Keys in byte order strictly after `after`. A page without entries is the last. */
  page(after: string | undefined, signal: AbortSignal | undefined): Promise<SourcePage>;
}

/** Every record of the namespace, past the cache: a scan must not push out what is in use. */
export function scanSource(store: Store, namespace: string): PageSource {
  const prefix = recordName(namespace, "");
  return {
    pageAgeMsMax: scanPageAgeMsMax,
    page: async (after) => {
      const { objects, more } = await callStore(() =>
        store.scan(prefix, { limit: scanPageRecords, after: prefix + (after ?? "") }),
      );
      const entries = objects.map(({ name, bytes }) => ({
        key: name.slice(prefix.length),
        record: bytes,
      }));
      return { entries, more };
    },
  };
}

/** What the index proposes; whether it is true is found out from the records. */
export function indexSource(
  index: NamespaceIndex,
  { namespace, selector }: { readonly namespace: string; readonly selector: CheckedSelector },
): PageSource {
  return {
    // Only names are in the page, and each record is read when its turn comes.
    pageAgeMsMax: Number.POSITIVE_INFINITY,
    page: async (after, signal) => {
      const { keys, more } = await callStore(() =>
        index.candidates({
          namespace,
          selector,
          after,
          limit: candidatePageKeys,
          ...(signal === undefined ? {} : { signal }),
        }),
      );
      return { entries: keys.map((key) => ({ key, record: undefined })), more };
    },
  };
}
