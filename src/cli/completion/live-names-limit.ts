import { parseTimeLimit } from "../values.ts";

/** Milliseconds. A slower answer is of no use to a person who waits for a key to be shown. */
const liveNamesMsDefault = 150;

/** How long live names may take: `LOCKD_COMPLETION_TIMEOUT`, for far servers, or the default. */
export function liveNamesMs(env: NodeJS.ProcessEnv): number {
  const text = env.LOCKD_COMPLETION_TIMEOUT ?? "";
  try {
    return text === "" ? liveNamesMsDefault : parseTimeLimit(text, "LOCKD_COMPLETION_TIMEOUT");
  } catch {
    // Nobody could read a complaint in the middle of a line.
    return liveNamesMsDefault;
  }
}
