/** Which context a command works in, if any. */
import { type Context, knownContext, readContexts } from "./context-file.ts";

export interface ActiveContext {
  readonly name: string;
  readonly settings: Context;
  /** `--context`, `LOCKD_CONTEXT` or `current context`. */
  readonly source: string;
  /** Named on this very command line: then it goes before the environment. */
  readonly typed: boolean;
}

/**
 * The context of `--context`, of `LOCKD_CONTEXT`, or the one that `lockd context use` chose.
 * @throws UsageError when that one is not there
 */
export function activeContext(
  flag: string | undefined,
  env: NodeJS.ProcessEnv,
): ActiveContext | undefined {
  const file = readContexts(env);
  const given = chosen(flag, env, file.current);
  if (given === undefined) return undefined;
  return { ...given, settings: knownContext(file, given.name) };
}

function chosen(
  flag: string | undefined,
  env: NodeJS.ProcessEnv,
  current: string | undefined,
): Omit<ActiveContext, "settings"> | undefined {
  const typed = flag?.trim() ?? "";
  if (typed !== "") return { name: typed, source: "--context", typed: true };
  const variable = env.LOCKD_CONTEXT?.trim() ?? "";
  if (variable !== "") return { name: variable, source: "LOCKD_CONTEXT", typed: false };
  if (current === undefined) return undefined;
  return { name: current, source: "current context", typed: false };
}

/** The `--context` among the words of a command; what stands behind `--` is not ours. */
export function typedContext(words: readonly string[]): string | undefined {
  const end = words.indexOf("--");
  const own = end === -1 ? words : words.slice(0, end);
  const at = own.findLastIndex((word) => word === "--context" || word.startsWith("--context="));
  const word = own[at];
  if (word === undefined) return undefined;
  return word === "--context" ? own[at + 1] : word.slice("--context=".length);
}

/**
 * Gives the context's namespace to every command, by the variable that all of them know. A context
 * that is not there is told by whoever connects, not by commands that need none.
 */
export function useContextNamespace(words: readonly string[], env: NodeJS.ProcessEnv): void {
  let context: ActiveContext | undefined;
  try {
    context = activeContext(typedContext(words), env);
  } catch {
    return;
  }
  const namespace = context?.settings.namespace;
  if (context === undefined || namespace === undefined) return;
  if (context.typed) {
    env.LOCKD_CLIENT_NAMESPACE = namespace;
    // Of a message taken elsewhere.
    delete env.LOCKD_QUEUE_NAMESPACE;
  } else if ((env.LOCKD_CLIENT_NAMESPACE ?? "") === "") env.LOCKD_CLIENT_NAMESPACE = namespace;
}
