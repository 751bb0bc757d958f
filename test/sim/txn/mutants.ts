/** The seeded bugs of transactions which the simulator must find within its usual budget. */
import type { Plan, Store } from "../../../src/engine/ports/store.ts";
import { Applier } from "../../../src/engine/txn/applier.ts";
import { Coordinator } from "../../../src/engine/txn/coordinator.ts";
import { Staging } from "../../../src/engine/txn/staging.ts";
import { UndecidedLeases } from "../../../src/engine/txn/undecided-leases.ts";
import type { Mutant } from "../mutant.ts";
import { withApply } from "../with-apply.ts";

/** Puts another method in place of one, until it is put back. */
function replaced<Class extends object, Name extends keyof Class>(
  prototype: Class,
  name: Name,
  other: (original: Class[Name]) => Class[Name],
): () => void {
  const original = prototype[name];
  prototype[name] = other(original);
  return () => {
    prototype[name] = original;
  };
}

/** Steps on transaction records lose their condition. */
function unconditionalRecords(store: Store): Store {
  return withApply(store, (plan: Plan) =>
    store.apply(
      plan.map((step) => (step.name.startsWith("t/") ? { ...step, when: { kind: "any" } } : step)),
    ),
  );
}

/** A decision is taken for durable before it is. */
function decidingInMemory(store: Store): Store {
  return withApply(store, async (plan: Plan) => {
    const [step] = plan;
    const isDecision =
      plan.length === 1 &&
      step?.kind === "put" &&
      step.name.startsWith("t/") &&
      !Buffer.from(step.bytes).includes('"s":"pending"');
    if (!isDecision) return store.apply(plan);
    void store.apply(plan).catch(() => undefined);
    return { kind: "applied", tags: [undefined] };
  });
}

export const txnMutants: readonly Mutant[] = [
  {
    name: "decision answered before it is durable",
    bug: "participants are told, and the caller, while the decision is still being written",
    store: decidingInMemory,
  },
  {
    name: "records without a condition",
    bug: "an expired transaction is rolled back over the commit that was faster",
    store: unconditionalRecords,
  },
  {
    name: "a participant is skipped",
    bug: "the last participant of a decision is taken for applied",
    install: () =>
      replaced(
        Applier.prototype,
        "apply",
        (original) =>
          async function (this: Applier, decided, participants, isTolerant) {
            const skipped = participants.length > 1 ? participants.slice(0, -1) : participants;
            const report = await original.call(this, decided, skipped, isTolerant);
            return { ...report, done: [...report.done, ...participants.slice(skipped.length)] };
          },
      ),
  },
  {
    name: "staging discarded without asking",
    bug: "an expired lease is cleared although its transaction may commit",
    install: () =>
      replaced(UndecidedLeases.prototype, "resolve", () => async () => {
        // Claims to have seen to it; the key is then cleaned by whoever comes.
      }),
    store: (store) => store,
  },
  {
    name: "enlisted too late",
    bug: "what is staged is acknowledged before its key is a participant",
    install: () =>
      replaced(
        Staging.prototype,
        "transact",
        (original) =>
          async function (this: Staging, claim, decide, extras) {
            const forgetful = Number.parseInt(claim.leaseId.slice(-3, -1), 32) % 4 === 0;
            const unasked = { ...extras, lenient: true };
            return original.call(this, claim, decide, forgetful ? unasked : extras) as never;
          },
      ),
  },
  {
    name: "rolled back again after the commit",
    bug: "a rollback that meets a finished commit is applied all the same",
    install: () =>
      replaced(
        Coordinator.prototype,
        "settle",
        (original) =>
          function (this: Coordinator, request, options) {
            const { only: _only, ...anyway } = request;
            return original.call(this, anyway, options);
          },
      ),
  },
];
