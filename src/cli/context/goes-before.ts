import { firstGiven } from "../lease-input.ts";
import { note } from "../output.ts";

/** Variables that say where to go, before the context that was chosen does. */
const variables = [
  "LOCKD_CONTEXT",
  "LOCKD_CLIENT_SERVER",
  "LOCKD_CLIENT_ISLAND",
  "LOCKD_CLIENT_STORE",
] as const;

/** Says so when this shell's environment makes the choice of a context void, as acquire's may. */
export function noteWhatGoesBefore(context: string, env: NodeJS.ProcessEnv): void {
  const given = (name: string): string | undefined => firstGiven(env[name]);
  const set = variables.filter((name) => given(name) !== undefined && given(name) !== context);
  if (set.length === 0) return;
  const goes = set.length === 1 ? "is set in this shell and goes" : "are set in this shell and go";
  note(`${set.join(", ")} ${goes} before the context; unset ${set.join(" ")} to use it`);
}
