import { closeTimeoutMsDefault } from "../client/limits.ts";
import { parseTimeLimit } from "./values.ts";

/** Milliseconds for `--close-timeout`; the default also for 0 (cli.md section 4). */
export function closeTimeoutOf(text: string | undefined): number {
  const ms = text === undefined ? 0 : parseTimeLimit(text, "--close-timeout");
  return ms === 0 ? closeTimeoutMsDefault : ms;
}
