import type {
  ApplyResult,
  ChangePage,
  NamePage,
  ObjectPage,
  ObjectStream,
  PageOptions,
  Plan,
  Store,
  StoredObject,
  StreamPage,
} from "../../engine/ports/store.ts";
import { ForwardingStore } from "./forwarding-store.ts";
import type { StoreVerb } from "./metered-store.ts";

/** A call of the store that somebody looks at. */
export interface StoreCall {
  readonly verb: StoreVerb | "getStream" | "listStreams";
  /** The name, or the prefix, the call is about; of several its first. */
  readonly name: string;
}

/** Goes around a call of the store and answers what the call answers. */
export type AroundStoreCall = <T>(call: StoreCall, run: () => Promise<T>) => Promise<T>;

/** Lets somebody look at every call: metrics and traces. */
export class ObservedStore extends ForwardingStore {
  readonly #around: AroundStoreCall;

  constructor(inner: Store, around: AroundStoreCall) {
    super(inner);
    this.#around = around;
  }

  override get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return this.#around({ verb: "get", name }, () => super.get(name, signal));
  }

  override getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]> {
    const call = { verb: "getMany", name: names[0] ?? "" } as const;
    return this.#around(call, () => super.getMany(names, signal));
  }

  override getStream(name: string, signal?: AbortSignal): Promise<ObjectStream | undefined> {
    return this.#around({ verb: "getStream", name }, () => super.getStream(name, signal));
  }

  override apply(plan: Plan): Promise<ApplyResult> {
    const call = { verb: "apply", name: plan[0]?.name ?? "" } as const;
    return this.#around(call, () => super.apply(plan));
  }

  override putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    return this.#around({ verb: "putStream", name }, () => super.putStream(name, source, signal));
  }

  override deleteStream(name: string): Promise<void> {
    return this.#around({ verb: "deleteStream", name }, () => super.deleteStream(name));
  }

  override list(prefix: string, options: PageOptions): Promise<NamePage> {
    return this.#around({ verb: "list", name: prefix }, () => super.list(prefix, options));
  }

  override scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    return this.#around({ verb: "scan", name: prefix }, () => super.scan(prefix, options));
  }

  override listStreams(prefix: string, options: PageOptions): Promise<StreamPage> {
    const call = { verb: "listStreams", name: prefix } as const;
    return this.#around(call, () => super.listStreams(prefix, options));
  }

  override changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    return this.#around({ verb: "changes", name: "" }, () => super.changesSince(cursor, limit));
  }
}
