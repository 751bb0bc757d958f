/** The seeded bugs of transactions which the simulator must find within its usual budget. */
import type { Plan, Store } from "../../../src/engine/ports/store.ts";
import { RecordShell } from "../../../src/engine/record/record-shell.ts";
import { Applier } from "../../../src/engine/txn/applier.ts";
import { Staging } from "../../../src/engine/txn/staging.ts";
import { TxnTurn } from "../../../src/engine/txn/txn-log.ts";
import type { Mutant } from "../mutant.ts";
import { replaced } from "../replaced.ts";
import { withApply } from "../with-apply.ts";

/** Decisions leave no trace once they are finished. */
function withoutMarkers(store: Store): Store {
  return withApply(store, (plan: Plan) =>
    store.apply(plan.filter((step) => !(step.kind === "put" && step.name.startsWith("td/")))),
  );
}

export const txnMutants: readonly Mutant[] = [
  {
    name: "applied before it is decided",
    bug: "a decision is applied and answered while its record is still being written",
    install: () =>
      replaced(
        TxnTurn.prototype,
        "put",
        (original) =>
          async function (this: TxnTurn, next) {
            if (next.state === "pending") return original.call(this, next);
            void original.call(this, next).catch(() => undefined);
            return "applied" as const;
          },
      ),
  },
  {
    name: "marker dropped early",
    bug: "a finished decision is forgotten at once, and made anew by who comes late",
    store: withoutMarkers,
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
    bug: "an expired lease is cleared although its transaction may have committed",
    install: () =>
      replaced(
        RecordShell.prototype,
        "transact",
        (original) =>
          function (this: RecordShell, name, decide, extras) {
            return original.call(this, name, decide, { ...extras, asks: "never" }) as never;
          },
      ),
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
];
