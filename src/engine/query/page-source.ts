/** Where a walk gets its keys from, a page at a time: the records themselves, or an index. */
import type { CheckedSelector } from "../../lql/selector/selector.ts";
import {
  candidatePageKeys,
  candidateRecordsMax,
  scanPageAgeMsMax,
  scanPageRecords,
} from "../limits.ts";
import type { Store } from "../ports/store.ts";
import { recordName } from "../record/key-record.ts";
import { callStore } from "../store-failure.ts";
import type { IndexStand, NamespaceIndex } from "./candidates.ts";

export interface PageEntry {
  readonly key: string;
  readonly record: Uint8Array;
}

export interface SourcePage {
  readonly entries: readonly PageEntry[];
  readonly more: boolean;
}

export interface PageSource {
  /** Milliseconds for which a page may be used; then the rest of it is read again. */
  readonly pageAgeMsMax: number;
  /** Where the index stood when it was first asked; undefined for a scan. */
  readonly stand?: IndexStand | undefined;
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

interface IndexPageOf {
  readonly namespace: string;
  readonly selector: CheckedSelector;
  /** Rows of the query's page. */
  readonly limit: number;
}

/** What the index proposes, with the records that tell whether it is true. */
export function indexSource(
  { index, store }: { readonly index: NamespaceIndex; readonly store: Store },
  asked: IndexPageOf,
): PageSource {
  return new IndexSource(index, store, asked);
}

class IndexSource implements PageSource {
  readonly pageAgeMsMax = scanPageAgeMsMax;
  readonly #index: NamespaceIndex;
  readonly #store: Store;
  readonly #asked: IndexPageOf;
  /** Candidates in byte order: names only, which may be as old as the index. */
  #keys: readonly string[] = [];
  #moreKeys = true;
  #stand: IndexStand | undefined;
  /** Records read at once: one more than the page shows, to see whether something follows. */
  #count: number;

  constructor(index: NamespaceIndex, store: Store, asked: IndexPageOf) {
    this.#index = index;
    this.#store = store;
    this.#asked = asked;
    this.#count = Math.min(asked.limit + 1, candidateRecordsMax);
  }

  get stand(): IndexStand | undefined {
    return this.#stand;
  }

  async page(after: string | undefined, signal: AbortSignal | undefined): Promise<SourcePage> {
    for (;;) {
      signal?.throwIfAborted();
      const keys = await this.#keysAfter(after, signal);
      const some = keys.slice(0, this.#count);
      if (some.length === 0) return { entries: [], more: false };
      const more = keys.length > some.length || this.#moreKeys;
      const entries = await this.#read(some, signal);
      this.#count = candidateRecordsMax;
      if (entries.length > 0 || !more) return { entries, more };
      after = some.at(-1);
    }
  }

  /** The candidates behind a key that are known, or the next ones of the index. */
  async #keysAfter(
    after: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly string[]> {
    const { namespace, selector } = this.#asked;
    if (after !== undefined) this.#keys = behind(this.#keys, after);
    while (this.#keys.length === 0 && this.#moreKeys) {
      const { keys, more, stand } = await callStore(() =>
        this.#index.candidates({
          namespace,
          selector,
          after,
          limit: candidatePageKeys,
          ...(signal === undefined ? {} : { signal }),
        }),
      );
      this.#stand ??= stand;
      this.#keys = keys;
      this.#moreKeys = more && keys.length > 0;
    }
    return this.#keys;
  }

  async #read(
    keys: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly PageEntry[]> {
    const names = keys.map((key) => recordName(this.#asked.namespace, key));
    const found = await callStore(() => this.#store.getMany(names, signal));
    const entries: PageEntry[] = [];
    for (const [at, key] of keys.entries()) {
      const record = found[at]?.bytes;
      if (record !== undefined) entries.push({ key, record });
    }
    return entries;
  }
}

/** The keys of a sorted page behind one of them, or behind where it would stand. */
function behind(keys: readonly string[], after: string): readonly string[] {
  // Keys are ASCII: their order as texts is their order as bytes.
  const at = keys.findIndex((key) => key > after);
  if (at === 0) return keys;
  return at === -1 ? [] : keys.slice(at);
}
