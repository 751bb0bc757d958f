import { Flags } from "../oclif.ts";
import { type ServerSetting, type SettingName, serverSettings } from "./server-settings.ts";

/** One text flag a setting; values are read with their sources elsewhere, so none has a default. */
function flagOf(setting: ServerSetting) {
  const shown = setting.value === "" ? "" : `; default ${setting.value}`;
  const description = `${setting.help}${shown} [env: ${setting.env}]`;
  const char = setting.name === "default-namespace" ? { char: "n" as const } : {};
  const options = setting.options === undefined ? {} : { options: [...setting.options] };
  if (setting.kind === "switch") return Flags.boolean({ description, allowNo: true });
  return Flags.string({ ...char, ...options, description });
}

export const serveFlags = Object.fromEntries(
  serverSettings.map((setting) => [setting.name, flagOf(setting)]),
);

/** What stood on the command line, as text. */
export function typedSettings(
  flags: Readonly<Record<string, unknown>>,
): Partial<Record<SettingName, string>> {
  const typed: Partial<Record<SettingName, string>> = {};
  for (const { name } of serverSettings) {
    const value = flags[name];
    if (value !== undefined) typed[name] = String(value);
  }
  return typed;
}
