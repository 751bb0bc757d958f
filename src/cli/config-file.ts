/** The configuration file (cli.md section 3). Read once a command, and only when there is one. */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { UsageError } from "./usage-error.ts";

/** Directory of configuration, certificates and the default store. */
export function configDirectory(env: NodeJS.ProcessEnv): string {
  const given = env.LOCKD_CONFIG_DIR;
  if (given !== undefined && given !== "") return path.resolve(expandHome(given));
  return path.join(homedir(), ".lockd");
}

export function expandHome(text: string): string {
  return text === "~" || text.startsWith("~/") ? path.join(homedir(), text.slice(1)) : text;
}

/** Settings that go before those of the file; see `lockd context`. */
export interface NamedSettings {
  readonly settings: Readonly<Partial<Record<string, string>>>;
}

export interface LoadedConfig {
  /** Undefined when there is no file. */
  readonly path: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  readonly context?: NamedSettings | undefined;
}

/**
 * The file given by flag or environment, which must exist, or the default one, which need not.
 * @throws UsageError
 */
export async function loadConfig(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<LoadedConfig> {
  const explicit = given ?? (env.LOCKD_CONFIG === "" ? undefined : env.LOCKD_CONFIG);
  const file =
    explicit === undefined
      ? path.join(configDirectory(env), "config.yaml")
      : path.resolve(expandHome(explicit));
  const text = readText(file, explicit !== undefined);
  if (text === undefined) return { path: undefined, values: {} };
  return { path: file, values: await parseConfig(file, text) };
}

function readText(file: string, mustExist: boolean): string | undefined {
  if (!mustExist && !isFile(file)) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    // Also the default one: who cannot read it would go on with another store than is meant.
    throw new UsageError(`the config file ${file} cannot be read: ${reasonOf(error)}`, error);
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

async function parseConfig(file: string, text: string): Promise<Record<string, unknown>> {
  const { parse } = await import("yaml");
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    throw new UsageError(`the config file ${file} is not YAML: ${reasonOf(error)}`, error);
  }
  if (parsed === null || parsed === undefined) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new UsageError(`the config file ${file} must be a mapping of names to values`);
  }
  return parsed as Record<string, unknown>;
}

/** The first line of an error. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}

/** A setting of the context, else of the file (there with underscores). */
export function clientSetting(config: LoadedConfig, flag: string): string | undefined {
  return config.context?.settings[flag] ?? clientValue(config, flag.replaceAll("-", "_"));
}

/** A value below `client:`, by its dotted path; lists become comma-separated text. */
export function clientValue(config: LoadedConfig, dotted: string): string | undefined {
  let at: unknown = config.values.client;
  for (const name of dotted.split(".")) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return textOf(at);
}

/** A server key at the top level. */
export function serverValue(config: LoadedConfig, key: string): string | undefined {
  return textOf(config.values[key]);
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return Array.isArray(value) ? value.join(",") : String(value);
}
