/** Mutations as words of a command line. */
import { type MutationInput, mutationInput } from "../client/mutation-input.ts";
import { UsageError } from "./usage-error.ts";

/** Each word may hold several expressions. @throws LqlSyntaxError, UsageError */
export function mutationWords(words: readonly string[], files: "refuse" | "allow"): MutationInput {
  const given = words.filter((word) => word.trim() !== "");
  if (given.length === 0) {
    throw new UsageError("no mutation given; write for example '/count++'");
  }
  const inputs = given.map((word) => mutationInput(word, files));
  return {
    expressions: inputs.flatMap(({ expressions }) => expressions),
    mutations: inputs.flatMap(({ mutations }) => mutations),
  };
}
