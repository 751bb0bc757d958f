/**
 * Named sets of connection settings, in a file of their own beside the config file: the config file
 * is written by people, with comments that a program would lose.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { LockdError } from "../../api/errors.ts";
import { configDirectory } from "../config-file.ts";
import { nearest } from "../suggestion.ts";
import { UsageError } from "../usage-error.ts";

/** Contexts of one file; more than anyone can name. */
const contextsMax = 1_000;

/** Settings a context may hold; spelled as the flags. */
export const contextSettings = [
  "server",
  "island",
  "store",
  "namespace",
  "disable-mtls",
  "timeout",
  "close-timeout",
  "keepalive-timeout",
  "retries",
  "endpoint-shuffle",
] as const;

export type ContextSetting = (typeof contextSettings)[number];

export type Context = Readonly<Partial<Record<ContextSetting, string>>>;

export interface ContextFile {
  readonly current: string | undefined;
  readonly contexts: ReadonlyMap<string, Context>;
}

export function contextFilePath(env: NodeJS.ProcessEnv): string {
  return path.join(configDirectory(env), "contexts.json");
}

/** Empty when there is no file. @throws UsageError when it cannot be understood */
export function readContexts(env: NodeJS.ProcessEnv): ContextFile {
  const file = contextFilePath(env);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { current: undefined, contexts: new Map() };
    throw new UsageError(`the contexts in ${file} cannot be read: ${message}`, error);
  }
  try {
    return parseContexts(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} holds no contexts: ${reason}`, error);
  }
}

function parseContexts(value: unknown): ContextFile {
  const { current, contexts } = asObject(value, "the file");
  const parsed = new Map<string, Context>();
  for (const [name, entry] of Object.entries(asObject(contexts ?? {}, "contexts"))) {
    const settings: Partial<Record<ContextSetting, string>> = {};
    const given = asObject(entry, `context "${name}"`);
    for (const setting of contextSettings) {
      const text = given[setting];
      if (typeof text === "string" && text !== "") settings[setting] = text;
    }
    parsed.set(name, settings);
  }
  return { current: typeof current === "string" ? current : undefined, contexts: parsed };
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error(`${what} must be an object`);
}

/**
 * Replaces the contexts by what `change` makes of them, whole or not at all, while no other process
 * does: of two that add one at the same moment none is lost. Readable by this user only.
 * @throws file_busy, UsageError, what `change` throws
 */
export async function changeContexts(
  env: NodeJS.ProcessEnv,
  change: (before: ContextFile) => ContextFile,
): Promise<ContextFile> {
  const file = contextFilePath(env);
  const { changeAlone } = await import("../exclusive-change.ts");
  const { replaceFile } = await import("../replace-file.ts");
  const { makeDirectory } = await import("../../storage/make-directory.ts");
  try {
    makeDirectory(path.dirname(file), 0o700);
    return await changeAlone(file, async (checkMine) => {
      const next = change(readContexts(env));
      if (next.contexts.size > contextsMax) {
        throw new UsageError(`${contextsMax} contexts are enough; remove one first`);
      }
      await replaceFile(file, textOf(next), { mode: 0o600, beforeCommit: checkMine });
      return next;
    });
  } catch (error) {
    if (error instanceof LockdError || !(error instanceof Error)) throw error;
    throw new UsageError(`the contexts in ${file} cannot be changed: ${error.message}`, error);
  }
}

function textOf({ current, contexts }: ContextFile): string {
  const sorted = [...contexts].sort(([a], [b]) => (a < b ? -1 : 1));
  const document = { current, contexts: Object.fromEntries(sorted) };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** @throws UsageError with the nearest name */
export function knownContext({ contexts }: ContextFile, name: string): Context {
  const context = contexts.get(name);
  if (context !== undefined) return context;
  const near = nearest(name, [...contexts.keys()]);
  const hint =
    contexts.size === 0
      ? "none are there yet: lockd context add NAME --server URL"
      : near === undefined
        ? "see lockd context list"
        : `did you mean "${near}"?`;
  throw new UsageError(`there is no context "${name}"; ${hint}`);
}

/** Letters, digits and `. _ -`, so that no shell needs quotes. @throws UsageError */
export function contextName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text;
  const shape = "1 to 64 letters, digits and . _ -, not starting with a sign";
  throw new UsageError(`"${text}" is no name for a context: ${shape}`);
}

/** A setting as it may be shown: addresses without what could be a password. */
export function shownSetting(value: string): string {
  return value.replace(/(:\/\/)[^/@\s,]*@/g, "$1***@");
}
