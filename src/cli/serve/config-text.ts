import { serverSettings } from "./server-settings.ts";

/** The default configuration as YAML with a word on each key; loads unchanged. */
export function configText(): string {
  const lines = ["# lockd configuration. Flags and environment variables win over this file."];
  for (const { name, env, value, help, kind } of serverSettings) {
    lines.push("", `# ${help} [env: ${env}]`);
    const quoted = kind === "switch" || kind === "whole" ? value : JSON.stringify(value);
    lines.push(value === "" ? `# ${name}: ""` : `${name}: ${quoted}`);
  }
  return `${lines.join("\n")}\n`;
}
