import type { Plan, Precondition } from "../../../engine/ports/store.ts";
import { tagOf } from "../sqlite-rows.ts";

/** Sequence that an earlier step of the same plan will give: unlike any known one. */
const seqToCome = -1;

/**
 * The first step whose precondition does not hold, -1 when all do. `seqOf` knows the sequence of a
 * name before the plan, undefined when it is absent.
 */
export function firstFailingStep(plan: Plan, seqOf: (name: string) => number | undefined): number {
  const only = plan.length === 1 ? plan[0] : undefined;
  if (only !== undefined) return holds(only.when, () => seqOf(only.name)) ? -1 : 0;
  const changed = new Map<string, number | undefined>();
  return plan.findIndex(({ name, when, kind }) => {
    const held = holds(when, () => (changed.has(name) ? changed.get(name) : seqOf(name)));
    changed.set(name, kind === "put" ? seqToCome : undefined);
    return !held;
  });
}

/** Asks for the sequence only when it matters: it may take a read of SQLite. */
function holds(when: Precondition, seqNow: () => number | undefined): boolean {
  if (when.kind === "any") return true;
  const seq = seqNow();
  return when.kind === "absent" ? seq === undefined : seq !== undefined && tagOf(seq) === when.tag;
}
