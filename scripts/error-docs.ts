/** Writes docs/errors.md and docs/exit-codes.md from the error registry: `npm run docs`. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { errorRegistry, exitCodes } from "../src/api/error-registry.ts";

const docs = path.join(import.meta.dirname, "..", "docs");

/** What each exit code means, for people who write scripts. */
export const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: "success",
  error: "an unexpected failure, or one that has no code of its own",
  usage: "a flag, argument, value, input file or config file is wrong; nothing was asked for",
  notFound: "there is no such key, state or object",
  conflict: "a condition did not hold, the key exists already, or a target file exists",
  wouldBlock: "somebody else holds the key and the wait is over",
  leaseLost: "the lease is gone: stop what it guarded",
  denied: "not allowed, or TLS refused the connection",
  unavailable: "no server, or no store, could be used",
  throttled: "the server sheds load; wait and try again",
  timeout: "an own time limit passed",
  verifyFailed: "a check of the store failed",
  rejected: "the engine or server refused the request as malformed",
  interrupted: "ended by SIGINT",
  terminated: "ended by SIGTERM",
};

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

export function errorsPage(): string {
  const rows = Object.entries(errorRegistry).map(([code, entry]) => {
    const status = entry.status === 0 ? "–" : String(entry.status);
    const retry = entry.retryable ? "yes" : "no";
    return row(`\`${code}\``, status, entry.exit, retry, entry.meaning, entry.next);
  });
  return [
    "# Errors",
    "",
    "Every failure has a stable code. Over HTTP it is the `error` field of an answer, in programs",
    "`error.code`, on the command line the word behind `lockd:`. *Retry* says whether the same",
    "request may succeed later. This page is made from `src/api/error-registry.ts`; a test keeps",
    "them equal.",
    "",
    "| code | HTTP | exit | retry | meaning | what to do |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

export function exitCodesPage(): string {
  const rows = Object.entries(exitCodes).map(([name, code]) => {
    return row(code, exitMeanings[name as keyof typeof exitCodes]);
  });
  return [
    "# Exit codes",
    "",
    "A stable contract for scripts. Which error gives which code is in [errors](errors.md).",
    "`lockd run` ends with the code of its command (128 + n when signal n ended it); its own",
    "failures use the codes below, 126 and 127 for a command that cannot be started.",
    "`lockd check` ends with 0 to 3 as monitoring expects it: OK, WARNING, CRITICAL, UNKNOWN.",
    "",
    "| code | meaning |",
    "|---|---|",
    ...rows,
    "",
  ].join("\n");
}

export const pages = { "errors.md": errorsPage, "exit-codes.md": exitCodesPage } as const;

/** True when a page on disk is what the registry says. */
export function isFresh(name: keyof typeof pages): boolean {
  return readFileSync(path.join(docs, name), "utf8") === pages[name]();
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, page] of Object.entries(pages)) writeFileSync(path.join(docs, name), page());
}
