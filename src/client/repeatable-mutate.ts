import type { MutateRequest } from "../api/lockd.ts";
import { hasStep } from "../lql/mutation/mutation.ts";
import { parseMutations } from "../lql/mutation/parse-mutations.ts";

/**
 * True when a mutate may be sent again although the first one may have taken effect: no step would
 * add twice, or a condition refuses the second one. One that also commits is never sent again: its
 * lease is gone with the first.
 */
export function isRepeatableMutate(request: MutateRequest): boolean {
  if (request.release !== undefined) return false;
  return isGiven(request.ifVersion) || isGiven(request.ifStateEtag) || !mayStep(request.mutations);
}

function isGiven(condition: number | string | undefined): boolean {
  return String(condition ?? "").trim() !== "";
}

function mayStep(expressions: readonly string[]): boolean {
  try {
    return hasStep(parseMutations(expressions, { now: new Date(), files: "allow" }));
  } catch {
    // It will be refused, however often it is sent; if not, better once than twice.
    return true;
  }
}
