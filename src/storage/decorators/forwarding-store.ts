import {
  type ApplyResult,
  type ChangePage,
  type NamePage,
  type ObjectPage,
  type ObjectStream,
  type PageOptions,
  type Plan,
  type Store,
  type StoreCapabilities,
  type StoredObject,
  StoreFailure,
  type StreamPage,
} from "../../engine/ports/store.ts";

/**
 * A store that hands every call on; decorators change what they are about. They compose in one
 * fixed order: meter outside, then retry, then fault (tests only), then the adapter, so that
 * figures include retries and retries see the faults.
 */
export class ForwardingStore implements Store {
  protected readonly inner: Store;

  constructor(inner: Store) {
    this.inner = inner;
  }

  /** Only asked for when `capabilities.changes` says that there is one inside. */
  changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    if (this.inner.changesSince !== undefined) return this.inner.changesSince(cursor, limit);
    throw new StoreFailure("failed", `${this.label} keeps no order of changes`);
  }

  get label(): string {
    return this.inner.label;
  }

  get capabilities(): StoreCapabilities {
    return this.inner.capabilities;
  }

  get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return this.inner.get(name, signal);
  }

  getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]> {
    return this.inner.getMany(names, signal);
  }

  getStream(name: string, signal?: AbortSignal): Promise<ObjectStream | undefined> {
    return this.inner.getStream(name, signal);
  }

  apply(plan: Plan): Promise<ApplyResult> {
    return this.inner.apply(plan);
  }

  putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    return this.inner.putStream(name, source, signal);
  }

  deleteStream(name: string): Promise<void> {
    return this.inner.deleteStream(name);
  }

  list(prefix: string, options: PageOptions): Promise<NamePage> {
    return this.inner.list(prefix, options);
  }

  scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    return this.inner.scan(prefix, options);
  }

  listStreams(prefix: string, options: PageOptions): Promise<StreamPage> {
    return this.inner.listStreams(prefix, options);
  }

  /** Without a feed inside there is none outside: `capabilities.watch` says so. */
  watch(changed: () => void): { close(): void } {
    return this.inner.watch?.(changed) ?? { close: () => {} };
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
