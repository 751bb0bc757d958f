import type { Store } from "../../src/engine/ports/store.ts";
import type { NamespaceIndex } from "../../src/engine/query/candidates.ts";

/**
 * The simplest index there can be: all keys that were there at the last flush, whatever the
 * selector. A superset of every answer, which is all that an index promises.
 */
export class NaiveIndex implements NamespaceIndex {
  readonly #store: Store;
  readonly #keys = new Map<string, readonly string[]>();
  readonly calls: string[] = [];
  seq = 0;
  pending = 0;
  updatedAtMs: number | undefined;
  /** Runs inside every flush. */
  onFlush: (namespace: string, signal: AbortSignal | undefined) => Promise<void> = async () => {};

  constructor(store: Store) {
    this.#store = store;
  }

  async candidates(query: Parameters<NamespaceIndex["candidates"]>[0]) {
    this.calls.push(`candidates ${query.after ?? "-"}`);
    const all = this.#keys.get(query.namespace) ?? [];
    const following = all.filter((key) => query.after === undefined || key > query.after);
    const keys = following.slice(0, query.limit);
    return { keys, more: following.length > keys.length, stand: this.#stand() };
  }

  async status() {
    return this.#stand();
  }

  #stand() {
    return { seq: this.seq, updatedAtMs: this.updatedAtMs, pending: this.pending };
  }

  async flush(namespace: string, signal?: AbortSignal): Promise<{ readonly seq: number }> {
    this.calls.push("flush");
    await this.onFlush(namespace, signal);
    const prefix = `k/${namespace}/`;
    const keys: string[] = [];
    let after: string | undefined;
    for (;;) {
      const options = after === undefined ? { limit: 1000 } : { limit: 1000, after };
      const page = await this.#store.list(prefix, options);
      keys.push(...page.names.map((name) => name.slice(prefix.length)));
      after = page.names.at(-1);
      if (!page.more) break;
    }
    this.#keys.set(namespace, keys);
    this.seq += 1;
    return { seq: this.seq };
  }

  async rebuild(namespace: string) {
    return { ...(await this.flush(namespace)), rebuilt: true };
  }
}
