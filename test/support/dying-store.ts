/** A store whose process dies after any step of any write. */
import type {
  ApplyResult,
  Plan,
  Store,
  StoreCapabilities,
  VersionTag,
} from "../../src/engine/ports/store.ts";
import { ForwardingStore } from "../../src/storage/decorators/forwarding-store.ts";

const dead = new Promise<never>(() => {});

/** Dies after so many steps: from then on nothing is answered any more. */
export class DyingStore extends ForwardingStore {
  readonly #atomicPlan: boolean;
  readonly #stepsMax: number;
  steps = 0;

  constructor(inner: Store, options: { atomicPlan: boolean; stepsMax: number }) {
    super(inner);
    this.#atomicPlan = options.atomicPlan;
    this.#stepsMax = options.stepsMax;
  }

  override get capabilities(): StoreCapabilities {
    return { ...this.inner.capabilities, atomicPlan: this.#atomicPlan };
  }

  override async apply(plan: Plan): Promise<ApplyResult> {
    if (this.#atomicPlan) {
      await this.#step();
      const result = await this.inner.apply(plan);
      // Landed, but nobody hears of it.
      await this.#step();
      return result;
    }
    const tags: (VersionTag | undefined)[] = [];
    for (const [at, one] of plan.entries()) {
      await this.#step();
      const result = await this.inner.apply([one]);
      if (result.kind === "conflict") return { kind: "conflict", step: at };
      if (result.kind === "unknown") return result;
      tags.push(result.tags[0]);
    }
    await this.#step();
    return { kind: "applied", tags };
  }

  override async putStream(
    name: string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number }> {
    await this.#step();
    const put = await this.inner.putStream(name, source, signal);
    await this.#step();
    return put;
  }

  #step(): Promise<void> {
    this.steps += 1;
    return this.steps > this.#stepsMax ? dead : Promise.resolve();
  }
}
