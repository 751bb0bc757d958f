import type {
  ApplyResult,
  Plan,
  StoreCapabilities,
  VersionTag,
} from "../../src/engine/ports/store.ts";
import { ForwardingStore } from "../../src/storage/decorators/forwarding-store.ts";

/** A store whose plans take effect step by step, as an object store's do. */
export class WithoutAtomicPlans extends ForwardingStore {
  override get capabilities(): StoreCapabilities {
    return { ...this.inner.capabilities, atomicPlan: false };
  }

  override async apply(plan: Plan): Promise<ApplyResult> {
    const tags: (VersionTag | undefined)[] = [];
    for (const [step, one] of plan.entries()) {
      const result = await this.inner.apply([one]);
      if (result.kind === "conflict") return { kind: "conflict", step };
      if (result.kind === "unknown") return result;
      tags.push(result.tags[0]);
    }
    return { kind: "applied", tags };
  }
}
