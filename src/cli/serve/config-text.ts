import { type ServerSetting, serverSettings } from "./server-settings.ts";

/** The default configuration as YAML with a word on each key; loads unchanged. */
export function configText(): string {
  const lines = ["# lockd configuration. Flags and environment variables win over this file."];
  for (const setting of serverSettings) {
    const { name, env, value, help } = setting;
    lines.push("", `# ${help} [env: ${env}]`);
    const plain = JSON.stringify(plainValue(setting));
    lines.push(value === "" ? `# ${name}: ""` : `${name}: ${plain}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The same for programs, without the words; as JSON is YAML, it loads unchanged too. */
export function configJson(): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(serverSettings.map((one) => [one.name, plainValue(one)]));
}

function plainValue({ kind, value }: ServerSetting): string | number | boolean {
  if (kind === "switch") return value === "true";
  return kind === "whole" && value !== "" ? Number(value) : value;
}
