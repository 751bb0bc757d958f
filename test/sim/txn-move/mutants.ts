/** The seeded bugs of messages in transactions which the simulator must find. */
import { Stager } from "../../../src/engine/queue/stager.ts";
import { Applier } from "../../../src/engine/txn/applier.ts";
import { EngineTransactions } from "../../../src/engine/txn/engine-transactions.ts";
import type { Mutant } from "../mutant.ts";
import { replaced } from "../replaced.ts";

export const moveMutants: readonly Mutant[] = [
  {
    name: "seen before the commit",
    bug: "a message that is enqueued in a transaction is written without its mark",
    install: () =>
      replaced(
        Stager.prototype,
        "stage",
        (original) =>
          function (this: Stager, at, message, members) {
            const { staged: _, ...rest } = message;
            const due = { notVisibleUntilMs: 0, dedupe: undefined };
            return original.call(this, at, { ...rest, ...due, staged: undefined }, members);
          },
      ),
  },
  {
    name: "the last message is forgotten",
    bug: "a commit leaves the last of its messages as it is, and calls it applied",
    install: () =>
      replaced(
        Applier.prototype,
        "apply",
        (original) =>
          async function (this: Applier, decided, participants, isTolerant) {
            const count = decided.state === "commit" ? participants.length - 1 : Infinity;
            const some = participants.slice(0, Math.max(1, count));
            const report = await original.call(this, decided, some, isTolerant);
            return { ...report, done: [...report.done, ...participants.slice(some.length)] };
          },
      ),
  },
  {
    name: "commits what it has lost",
    bug: "what was made of a message is committed although somebody else has the message by now",
    install: () => {
      const unasked = replaced(
        EngineTransactions.prototype,
        "finishLapsed",
        () => async () => undefined,
      );
      const unchecked = replaced(Applier.prototype, "firstLost", () => async () => undefined);
      return () => {
        unasked();
        unchecked();
      };
    },
  },
];
