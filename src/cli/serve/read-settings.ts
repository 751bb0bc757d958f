/** Flag > environment > file > default, for every server setting (cli.md section 3). */
import { type LoadedConfig, serverValue } from "../config-file.ts";
import {
  type SettingName,
  type SettingValue,
  type SettingValues,
  serverSettings,
} from "./server-settings.ts";

export function readSettings(parts: {
  /** Values that stood on the command line. */
  readonly flags: Readonly<Partial<Record<SettingName, string | undefined>>>;
  readonly env: NodeJS.ProcessEnv;
  readonly config: LoadedConfig;
}): SettingValues {
  const { flags, env, config } = parts;
  const entries = serverSettings.map(
    ({ name, env: variable, value }): [SettingName, SettingValue] => {
      const flag = flags[name];
      if (flag !== undefined) return [name, { text: flag, source: "flag" }];
      const fromEnv = env[variable];
      if (fromEnv !== undefined && fromEnv !== "") return [name, { text: fromEnv, source: "env" }];
      const fromFile = serverValue(config, name);
      if (fromFile !== undefined) return [name, { text: fromFile, source: "file" }];
      return [name, { text: value, source: "default" }];
    },
  );
  return Object.fromEntries(entries) as SettingValues;
}

/** Keys of other versions and of later features: known to the contract, so no warning. */
const otherKeys = /^(client|mcp|ha|tc|qrf|lsf|s3|aws|azure|storage|disk|logstore|queue|indexer)\b/;

/** Top-level keys that mean nothing to any lockd. */
export function unknownKeys(config: LoadedConfig): string[] {
  const known = new Set<string>(serverSettings.map(({ name }) => name));
  return Object.keys(config.values).filter((key) => !known.has(key) && !otherKeys.test(key));
}
