/** Mutations as words of a command line. */
import { type MutationInput, mutationInput } from "../client/mutation-input.ts";
import { UsageError } from "./usage-error.ts";

/** What other commands take as their first word; no mutation is without a sign. */
const keyLike = /^[\w.-]+(\/[\w.-]+)*$/;

/** Each word may hold several expressions. @throws LqlSyntaxError, UsageError */
export function mutationWords(words: readonly string[], files: "refuse" | "allow"): MutationInput {
  const given = words.filter((word) => word.trim() !== "");
  if (given.length === 0) {
    throw new UsageError("no mutation given; write for example '/count++'");
  }
  const [first = ""] = given;
  if (keyLike.test(first)) {
    const place = "a key is named with -k, the file of lockd edit with -f";
    throw new UsageError(`"${first}" is no mutation such as '/count++'; ${place}`);
  }
  const inputs = given.map((word) => mutationInput(word, files));
  return {
    expressions: inputs.flatMap(({ expressions }) => expressions),
    mutations: inputs.flatMap(({ mutations }) => mutations),
  };
}
