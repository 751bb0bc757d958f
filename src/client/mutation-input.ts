import { LockdConfigError } from "../api/errors.ts";
import { splitExpressions } from "../lql/mutation/lql-text.ts";
import type { Mutation } from "../lql/mutation/mutation.ts";
import { parseMutations } from "../lql/mutation/parse-mutations.ts";

/** Mutations as a caller wrote them, checked here before anything is sent. */
export interface MutationInput {
  /** One expression each, as the wire wants them. */
  readonly expressions: readonly string[];
  readonly mutations: readonly Mutation[];
}

/**
 * One text with several expressions, or an array of one expression each.
 * @throws LqlSyntaxError, LockdConfigError when none is left
 */
export function mutationInput(
  given: string | readonly string[],
  files: "refuse" | "allow",
): MutationInput {
  const mutations = parseMutations(given, { now: new Date(), files });
  if (mutations.length === 0) {
    throw new LockdConfigError("invalid_option", 'no mutation given; write for example "/count++"');
  }
  const expressions =
    typeof given === "string"
      ? splitExpressions({ text: given, at: 0 }).map(({ text }) => text)
      : given.map((text) => text.trim()).filter((text) => text !== "");
  return { expressions, mutations };
}
