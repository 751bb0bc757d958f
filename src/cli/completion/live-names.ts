/** Names that a server, the store on this machine or a file knows, for a completion. */
import type { Lockd } from "../../api/lockd.ts";
import { type ConnectInput, clientConfig, connect, islandNames, selectMode } from "../connect.ts";
import { useContextNamespace } from "../context/active-context.ts";
import { readContexts } from "../context/context-file.ts";
import { firstGiven } from "../lease-input.ts";
import { storeIsMade } from "../store-is-made.ts";
import { liveNamesMs } from "./live-names-limit.ts";
import type { NameSource, TypedWords } from "./plan.ts";

/** Names offered at most: what a person can look at. */
const candidatesMax = 100;

export interface NameQuestion {
  readonly source: NameSource;
  readonly prefix: string;
  readonly typed: TypedWords;
}

/** All that are known; the caller keeps those that start with the prefix. */
export async function liveNames(
  question: NameQuestion,
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const { source, typed } = question;
  if (source === "context") return [...readContexts(env).contexts.keys()];
  const input = connectInput(typed, env);
  const config = await clientConfig(input);
  if (source === "island") return islandNames(config);
  const mode = selectMode(input, config);
  // Looking must not make a store.
  if (mode.kind === "inline" && !(await storeIsMade(mode.storeUrl))) return [];
  const { lockd } = await connect(input);
  try {
    return (await askedOf(lockd, question, env)).slice(0, candidatesMax);
  } finally {
    await lockd.close();
  }
}

function connectInput({ flags, command }: TypedWords, env: NodeJS.ProcessEnv): ConnectInput {
  const context = flags.get("context");
  useContextNamespace(context === undefined ? [] : ["--context", context], env);
  const typed = new Set(flags.keys());
  // Of `serve` the store is its own, not one that other commands use.
  const isServer = command === "serve";
  return {
    flags: {
      config: firstGiven(flags.get("config"), env.LOCKD_CONFIG),
      server: flags.get("server"),
      store: isServer ? undefined : flags.get("store"),
      island: flags.get("island"),
      context,
      inline: flags.has("inline"),
      "disable-mtls": flags.has("disable-mtls") || /^(1|true)$/.test(disabledBy(env)),
      timeout: `${liveNamesMs(env)}ms`,
      retries: "-1",
    },
    typed,
    env,
  };
}

function disabledBy(env: NodeJS.ProcessEnv): string {
  return env.LOCKD_CLIENT_DISABLE_MTLS ?? "";
}

async function askedOf(
  lockd: Lockd,
  { source, prefix, typed }: NameQuestion,
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const { flags, args } = typed;
  const call = { timeoutMs: liveNamesMs(env) };
  const limit = candidatesMax;
  if (source === "attachment") {
    const key = firstGiven(args[0], flags.get("key"), env.LOCKD_CLIENT_KEY);
    const namespace = firstGiven(flags.get("namespace"), env.LOCKD_CLIENT_NAMESPACE);
    const request = { key, namespace, public: true };
    const { attachments } = await lockd.attachments.list(request, call);
    return attachments.map(({ name }) => name);
  }
  const isQueue = source === "queue" || source === "letter";
  const namespace = firstGiven(
    flags.get("namespace"),
    isQueue ? env.LOCKD_QUEUE_NAMESPACE : undefined,
    env.LOCKD_CLIENT_NAMESPACE,
  );
  if (source === "letter") {
    const request = { queue: args[0], namespace, limit };
    const { letters } = await lockd.queues.deadLetters(request, call);
    return letters.map(({ messageId }) => messageId);
  }
  const { names } = await lockd.observation.names({ kind: source, namespace, prefix, limit }, call);
  return names;
}
