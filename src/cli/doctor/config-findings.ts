/** The configuration file, and who may read and write what is in its directory. */
import { readdirSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import { configDirectory, type LoadedConfig, reasonOf } from "../config-file.ts";
import { readSettings, unknownKeys } from "../serve/read-settings.ts";
import { servePlan } from "../serve/serve-plan.ts";
import { serverSettings } from "../serve/server-settings.ts";
import { shellWord } from "../shell-words.ts";
import { nearest } from "../suggestion.ts";
import { type Finding, failed, fine, warned } from "./finding.ts";

/** What may stand below `client:` (cli.md section 4). */
const clientKeys = [
  ...["server", "store", "island", "islands", "bundle", "disable_mtls", "timeout"],
  ...["close_timeout", "keepalive_timeout", "drain_aware_shutdown", "log_level", "log_output"],
  ...["retries", "endpoint_shuffle", "tui"],
];

/** Keys of the file whose value is a secret. */
const secretKeys = ["azure-key", "azure-sas-token"];

/** Bundles looked at in the configuration directory, at most. */
const bundlesMax = 100;

const groupOrOthersWrite = 0o022;
const groupOrOthers = 0o077;

export function configFindings(config: LoadedConfig, env: NodeJS.ProcessEnv): Finding[] {
  if (config.path === undefined) {
    return [fine("config", "no file, defaults are in effect"), ...directoryFindings(env)];
  }
  const wrong = [
    ...unknownFindings(config),
    ...valueFindings(config, env),
    ...fileFindings(config.path, config),
  ];
  const good = wrong.length === 0 ? [fine("config", config.path)] : [];
  return [...good, ...wrong, ...directoryFindings(env)];
}

function unknownFindings(config: LoadedConfig): Finding[] {
  const { client } = config.values;
  const ofClient = typeof client === "object" && client !== null ? Object.keys(client) : [];
  const serverNames = serverSettings.map(({ name }) => name);
  const known: readonly string[] = serverNames;
  const mistyped = Object.keys(config.values).filter(
    (key) => !known.includes(key) && nearest(key, known) !== undefined,
  );
  const server = new Set([...unknownKeys(config), ...mistyped]);
  return [
    ...[...server].map((key) => unknownFinding(key, key, [...serverNames, "client"])),
    ...ofClient
      .filter((key) => !clientKeys.includes(key))
      .map((key) => unknownFinding(`client.${key}`, key, clientKeys)),
  ];
}

function unknownFinding(shown: string, key: string, known: readonly string[]): Finding {
  const near = nearest(key, known);
  const fix = near === undefined ? "see lockd config gen --stdout" : `did you mean ${near}?`;
  return warned("config", `${shown} means nothing to lockd and is ignored`, fix);
}

/** What `serve` would refuse. */
function valueFindings(config: LoadedConfig, env: NodeJS.ProcessEnv): Finding[] {
  try {
    const settings = readSettings({ flags: {}, env, config });
    const store = { ...settings.store, text: settings.store.text || "mem://" };
    servePlan({ ...settings, store });
    return [];
  } catch (error) {
    return [
      failed("config", reasonOf(error), "correct the value; lockd config show names its source"),
    ];
  }
}

function fileFindings(file: string, config: LoadedConfig): Finding[] {
  const secret = secretKeys.find((key) => config.values[key] !== undefined);
  const mask = secret === undefined ? groupOrOthersWrite : groupOrOthers;
  const found = statOf(file);
  if (found === undefined || (found.mode & mask) === 0) return [];
  if (secret !== undefined) {
    const text = `${file} has ${secret} in it and others may read it (${modeText(found)})`;
    return [failed("config", text, `chmod 600 ${shellWord(file)}`)];
  }
  const text = `others may change ${file} (${modeText(found)})`;
  return [failed("config", text, `chmod go-w ${shellWord(file)}`)];
}

/** Keys and certificates are nobody else's business. */
function directoryFindings(env: NodeJS.ProcessEnv): Finding[] {
  const directory = configDirectory(env);
  const found = statOf(directory);
  if (found === undefined) return [];
  const open = (found.mode & groupOrOthersWrite) !== 0;
  const writable = `others may change ${directory} (${modeText(found)})`;
  const names = namesIn(directory);
  if (names === undefined) {
    const fix = `ls -ld ${shellWord(directory)}`;
    return [failed("config", `${directory} cannot be listed`, fix)];
  }
  const bundles = names
    .filter((name) => name.endsWith(".pem"))
    .slice(0, bundlesMax)
    .map((name) => path.join(directory, name));
  const loose = bundles.filter((file) => ((statOf(file)?.mode ?? 0) & groupOrOthers) !== 0);
  return [
    ...(open ? [failed("config", writable, `chmod go-w ${shellWord(directory)}`)] : []),
    ...loose.map((file) =>
      failed("credentials", `others may read ${file}`, `chmod 600 ${shellWord(file)}`),
    ),
    ...(bundles.length > 0 && loose.length === 0
      ? [fine("credentials", `${bundles.length} in ${directory}, private`)]
      : []),
  ];
}

export function statOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

/** Undefined: it cannot be listed. */
export function namesIn(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory);
  } catch {
    return undefined;
  }
}

export function modeText({ mode }: Stats): string {
  return `mode ${(mode & 0o777).toString(8).padStart(4, "0")}`;
}
