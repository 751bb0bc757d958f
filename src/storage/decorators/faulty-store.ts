import {
  type ApplyResult,
  type ChangePage,
  type NamePage,
  type ObjectPage,
  type PageOptions,
  type Plan,
  type Store,
  type StoredObject,
  StoreFailure,
  type StoreFailureKind,
} from "../../engine/ports/store.ts";
import { ForwardingStore } from "./forwarding-store.ts";

/** What goes wrong with one call. */
export type StoreFault =
  /** Fails before anything happens: ENOSPC is `full`, a dead device `failed`. */
  | { readonly kind: "fail"; readonly why: StoreFailureKind }
  /** A write takes effect and its answer is lost. */
  | { readonly kind: "lose_answer" }
  /** A write is lost, and nobody can tell. */
  | { readonly kind: "lose_request" }
  /** Only the first steps of a plan take effect (adapters without atomic plans), then no answer. */
  | { readonly kind: "tear"; readonly steps: number }
  /** Answers only when this settles. */
  | { readonly kind: "wait"; readonly until: Promise<unknown> };

/** A fault for a call of this verb, or none; drawn from a seed or read from a script. */
export type FaultSource = (verb: "get" | "apply" | "list") => StoreFault | undefined;

/** Injects faults between an adapter and whoever has to cope with them. */
export class FaultyStore extends ForwardingStore {
  readonly #next: FaultSource;

  constructor(inner: Store, next: FaultSource) {
    super(inner);
    this.#next = next;
  }

  override async get(name: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    await this.#before("get");
    return super.get(name, signal);
  }

  override async getMany(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly (StoredObject | undefined)[]> {
    await this.#before("get");
    return super.getMany(names, signal);
  }

  override async list(prefix: string, options: PageOptions): Promise<NamePage> {
    await this.#before("list");
    return super.list(prefix, options);
  }

  override async scan(prefix: string, options: PageOptions): Promise<ObjectPage> {
    await this.#before("list");
    return super.scan(prefix, options);
  }

  override async changesSince(cursor: string | undefined, limit: number): Promise<ChangePage> {
    await this.#before("list");
    return super.changesSince(cursor, limit);
  }

  override async apply(plan: Plan): Promise<ApplyResult> {
    const fault = await this.#before("apply");
    if (fault === undefined) return super.apply(plan);
    const cause = new Error(`injected: ${fault.kind}`);
    if (fault.kind === "lose_answer") await super.apply(plan);
    if (fault.kind === "tear") await super.apply(plan.slice(0, fault.steps));
    return { kind: "unknown", cause };
  }

  /** Fails or waits when told to; a fault that concerns the effect of a write is handed back. */
  async #before(verb: "get" | "apply" | "list"): Promise<StoreFault | undefined> {
    const fault = this.#next(verb);
    if (fault?.kind === "fail") throw new StoreFailure(fault.why, `injected: ${fault.why}`);
    if (fault?.kind !== "wait") return fault;
    await fault.until;
    return undefined;
  }
}
