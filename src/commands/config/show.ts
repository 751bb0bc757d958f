import { BaseCommand } from "../../cli/base-command.ts";
import { loadConfig } from "../../cli/config-file.ts";
import { selectMode } from "../../cli/connect.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { readSettings } from "../../cli/serve/read-settings.ts";

export default class ConfigShow extends BaseCommand {
  static override summary = "Show the settings in effect and where each one comes from";
  static override examples = [
    "<%= config.bin %> config show",
    "<%= config.bin %> config show --json",
  ];

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(ConfigShow);
    const config = await loadConfig(flags.config, process.env);
    const typed = new Set(this.argv.map((word) => word.replace(/^--|=.*$/g, "")));
    const client = selectMode({ flags, typed, env: process.env }, config);
    const server = readSettings({ flags: {}, env: process.env, config });
    if (flags.json) {
      await writeOut(jsonText({ config_file: config.path ?? null, client, server }));
      return;
    }
    const place = client.kind === "inline" ? client.storeUrl : client.endpoints;
    const rows = [
      ["config file", config.path ?? "none", ""],
      ["commands use", `${client.kind} ${place}`, `(${client.source})`],
      ...Object.entries(server).map(([name, { text, source }]) => [
        name,
        text || "-",
        `(${source})`,
      ]),
    ];
    const width = Math.max(...rows.map(([name = ""]) => name.length));
    const text = rows.map(
      ([name = "", value, source]) => `${name.padEnd(width)}  ${value} ${source}`,
    );
    await writeOut(`${text.map((line) => line.trimEnd()).join("\n")}\n`);
  }
}
