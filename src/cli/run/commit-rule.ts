import { UsageError } from "../usage-error.ts";

/** Which exit codes of the child commit what it staged; `any` and `never` say it for all. */
export function parseCommitOn(text: string): (exitCode: number) => boolean {
  const word = text.trim().toLowerCase();
  if (word === "any") return () => true;
  if (word === "never") return () => false;
  const codes = word.split(",").map((part) => (/^\d{1,3}$/.test(part.trim()) ? Number(part) : -1));
  if (codes.some((code) => code < 0 || code > 255)) {
    throw new UsageError(`--commit-on "${text}" must be exit codes such as 0,3, or any, or never`);
  }
  return (exitCode) => codes.includes(exitCode);
}
