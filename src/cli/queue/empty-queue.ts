import { exitCodes } from "../../api/error-registry.ts";
import { LockdError } from "../../api/errors.ts";
import { note } from "../output.ts";

/** True when there simply was no message within the time it was waited for. */
export function isEmptyQueue(error: unknown): boolean {
  return error instanceof LockdError && error.code === "waiting";
}

/** Tells that there was no message; the long form of the old program takes that for success. */
export function endEmpty(longForm: boolean): void {
  note("no messages available (try again later)");
  process.exitCode = longForm ? exitCodes.ok : exitCodes.wouldBlock;
}
