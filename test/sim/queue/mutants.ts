/** The seeded bugs of queues which the simulator must find within its usual budget. */
import type { ApplyResult, Plan, Step, Store } from "../../../src/engine/ports/store.ts";
import { StoreFailure } from "../../../src/engine/ports/store.ts";
import { Links } from "../../../src/engine/queue/links.ts";
import { LiveQueue } from "../../../src/engine/queue/live-queue.ts";
import { ForwardingStore } from "../../../src/storage/decorators/forwarding-store.ts";
import type { Mutant } from "../mutant.ts";

class OtherApply extends ForwardingStore {
  readonly #apply: (plan: Plan) => Promise<ApplyResult>;

  constructor(inner: Store, apply: (plan: Plan) => Promise<ApplyResult>) {
    super(inner);
    this.#apply = apply;
  }

  override apply(plan: Plan): Promise<ApplyResult> {
    return this.#apply(plan);
  }
}

function isMessage({ name }: Step): boolean {
  return name.startsWith("m/");
}

/** Every step that `which` picks loses its condition. */
function withoutConditions(store: Store, which: (step: Step) => boolean): Store {
  return new OtherApply(store, (plan) =>
    store.apply(
      plan.map((step) =>
        which(step) && step.when.kind === "tag" ? { ...step, when: { kind: "any" } } : step,
      ),
    ),
  );
}

export const queueMutants: readonly Mutant[] = [
  {
    name: "claim without a condition",
    bug: "a delivery is written over whatever record there is by now",
    store: (store) => withoutConditions(store, (step) => isMessage(step) && step.kind === "put"),
  },
  {
    name: "ack without a condition",
    bug: "an ack deletes whatever record there is by now",
    store: (store) => withoutConditions(store, (step) => isMessage(step) && step.kind === "delete"),
  },
  {
    name: "enqueue answered too early",
    bug: "a producer is answered before its message is durable",
    store: (store) =>
      new OtherApply(store, async (plan) => {
        const [step] = plan;
        const isNew = plan.length === 1 && step !== undefined && isMessage(step);
        if (!isNew || step.when.kind !== "absent") return store.apply(plan);
        void store.apply(plan).catch(() => undefined);
        return { kind: "applied", tags: [undefined] };
      }),
  },
  {
    name: "guessed outcome of a message's write",
    bug: "a write that was not answered is taken for one that did not happen",
    store: (store) =>
      new OtherApply(store, async (plan) => {
        const result = await store.apply(plan);
        if (result.kind !== "unknown" || !plan.some(isMessage)) return result;
        throw new StoreFailure("unavailable", "no answer, so surely nothing happened");
      }),
  },
  {
    name: "dead letter after the message",
    bug: "a message is deleted first and written to the dead letters afterwards",
    store: (store) =>
      new OtherApply(store, async (plan) => {
        const [letter, remove] = plan;
        const buries = plan.length === 2 && letter?.name.startsWith("x/") === true;
        if (!buries || remove === undefined) return store.apply(plan);
        const removed = await store.apply([remove]);
        return removed.kind === "applied" ? store.apply([letter]) : removed;
      }),
  },
  {
    name: "group without a chain",
    bug: "nobody looks whether the message before is gone",
    install: () => {
      const { gate } = Links.prototype;
      Links.prototype.gate = async () => ({ kind: "open" });
      return () => {
        Links.prototype.gate = gate;
      };
    },
  },
  {
    name: "half enqueued is good enough",
    bug: "on stores without atomic plans nobody finishes what a dead producer left",
    install: () => {
      const { gate } = Links.prototype;
      Links.prototype.gate = async function (at, message) {
        return gate.call(this, at, { ...message, unlinked: false });
      };
      return () => {
        Links.prototype.gate = gate;
      };
    },
  },
  {
    name: "lost wake-up of consumers",
    bug: "nobody tells those who wait that a message is ready",
    install: () => {
      const { serve } = LiveQueue.prototype;
      LiveQueue.prototype.serve = () => {};
      return () => {
        LiveQueue.prototype.serve = serve;
      };
    },
  },
];
