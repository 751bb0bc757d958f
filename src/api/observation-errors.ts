/** Codes of overviews and change streams. */
import { type ErrorEntry, rejected } from "./error-entry.ts";

export const observationErrors = {
  invalid_observation: rejected(
    "an overview or a watch was asked for in a way that makes no sense",
    "see `lockd help watch` and docs/watching.md for what can be combined",
  ),
} as const satisfies Record<string, ErrorEntry>;
