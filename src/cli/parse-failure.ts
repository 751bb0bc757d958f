/** Turns oclif's parse errors into usage errors that name the mistake and the right word. */
import { LockdError } from "../api/errors.ts";
import { nearest } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";

interface OclifParseError extends Error {
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, unknown>> } };
  readonly flags?: readonly string[];
  readonly oclif?: { readonly exit?: number };
}

export function parseFailure(error: unknown, command: string): unknown {
  if (error instanceof LockdError || !(error instanceof Error)) return error;
  const failed = error as OclifParseError;
  if (failed.parse === undefined && failed.oclif?.exit !== 2) return error;
  const first = failed.message
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("See more help"))
    .join(" ");
  const unknown = failed.flags?.[0];
  const known = Object.keys(failed.parse?.input?.flags ?? {}).map((name) => `--${name}`);
  const near = unknown === undefined ? undefined : nearest(unknown, known);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return new UsageError(
    `${first}${hint} (see lockd ${command.replaceAll(":", " ")} --help)`,
    error,
  );
}
