/** Seeded bugs of an index, which the simulator must find within its budget. */
import type { ApplyResult, Plan } from "../../../src/engine/ports/store.ts";
import { manifestName } from "../../../src/engine/query/index/segments/manifest.ts";
import { SegmentStore } from "../../../src/engine/query/index/segments/segment-store.ts";
import type { Mutant } from "../mutant.ts";
import { SimStore } from "../sim-store.ts";

type Apply = (this: SimStore, plan: Plan) => Promise<ApplyResult>;

/** Changes the plans that write the manifest. */
function onManifest(change: (plan: Plan) => Plan): () => void {
  const { apply } = SimStore.prototype;
  const changed: Apply = function (this: SimStore, plan) {
    return apply.call(this, plan[0]?.name === manifestName ? change(plan) : plan);
  };
  SimStore.prototype.apply = changed;
  return () => {
    SimStore.prototype.apply = apply;
  };
}

export const indexMutants: readonly Mutant[] = [
  {
    name: "the manifest is written without a condition",
    bug: "two nodes publish at once, and the one with the older page wins",
    install: () => onManifest((plan) => plan.map((step) => ({ ...step, when: { kind: "any" } }))),
  },
  {
    name: "the cursor moves past a record that was left out",
    bug: "the watermark passes a change that nobody has taken in",
    install: () => {
      const { apply } = SegmentStore.prototype;
      SegmentStore.prototype.apply = async function (batch) {
        await apply.call(this, { ...batch, records: batch.records.slice(1) });
        return "applied";
      };
      return () => {
        SegmentStore.prototype.apply = apply;
      };
    },
  },
];
