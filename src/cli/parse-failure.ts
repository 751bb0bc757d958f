/** Turns oclif's parse errors into usage errors that name the mistake and the right word. */
import { LockdError } from "../api/errors.ts";
import { nearest } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";

interface OclifParseError extends Error {
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, unknown>> } };
  readonly flags?: readonly string[];
  /** Of a required argument that is missing: all of those that are. */
  readonly args?: readonly { readonly name?: string; readonly description?: string }[];
  readonly oclif?: { readonly exit?: number };
}

export function parseFailure(error: unknown, command: string): unknown {
  if (error instanceof UsageError) return unwrapped(error);
  if (error instanceof LockdError || !(error instanceof Error)) return error;
  const failed = error as OclifParseError;
  if (failed.parse === undefined && failed.oclif?.exit !== 2) return error;
  const first =
    missingArguments(failed) ??
    failed.message
      .split("\n")
      .map((line) => line.trim())
      .filter(
        (line) => line !== "" && !/^(See more help|The following errors? occurred)/.test(line),
      )
      .map(plainWords)
      .join("; ");
  const unknown = failed.flags?.[0];
  const known = Object.keys(failed.parse?.input?.flags ?? {}).map((name) => `--${name}`);
  const near = unknown === undefined ? undefined : nearest(unknown, known);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return new UsageError(
    `${first}${hint} (see lockd ${command.replaceAll(":", " ")} --help)`,
    error,
  );
}

/** The words of a flag's own parser, which oclif puts between two lines of its own. */
function unwrapped(error: UsageError): UsageError {
  const [, own] = /^Parsing --\S+ *\n\s*(.*?)\n*(See more help.*)?$/s.exec(error.message) ?? [];
  return own === undefined ? error : new UsageError(own, error);
}

/** In the words that lockd's own messages have. */
function plainWords(line: string): string {
  return line
    .replace(/^Missing required flag (\S+)$/, "--$1 is required")
    .replace(/^Nonexistent flag: /, "unknown flag ")
    .replace(/^Nonexistent flags: /, "unknown flags ")
    .replace(
      /^(--[\w-]+)=\S* cannot also be provided when using (--[\w-]+)$/,
      "$1 and $2 cannot be combined",
    );
}

/** oclif lays them out as a table, which reads badly on one line. */
function missingArguments({ message, args = [] }: OclifParseError): string | undefined {
  if (!message.startsWith("Missing ") || args.length === 0) return undefined;
  return args
    .map(({ name = "", description = "" }) => `${name.toUpperCase()} is missing: ${description}`)
    .join("; ");
}
