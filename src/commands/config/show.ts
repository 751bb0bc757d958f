import { BaseCommand, typedFlags } from "../../cli/base-command.ts";
import { clientConfig, type Mode, selectMode } from "../../cli/connect.ts";
import { shownSetting } from "../../cli/context/context-file.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { readSettings } from "../../cli/serve/read-settings.ts";

export default class ConfigShow extends BaseCommand {
  static override summary = "Show the settings in effect and where each one comes from";
  static override description =
    "What commands on this machine would use, and every setting of a server started here. " +
    "Flags go before the environment, that before the context, that before the config file. " +
    "Secrets are not shown.";
  static override examples = [
    "<%= config.bin %> config show",
    "<%= config.bin %> config show --json",
  ];

  protected override async run(): Promise<void> {
    const { flags, raw } = await this.parse(ConfigShow);
    const input = { flags, typed: typedFlags(raw), env: process.env };
    const config = await clientConfig(input);
    const client = shownMode(selectMode(input, config));
    const server = readSettings({ flags: {}, env: process.env, config });
    if (flags.json) {
      const context = config.context?.name;
      await writeOut(jsonText({ config_file: config.path ?? null, context, client, server }));
      return;
    }
    const place = client.kind === "inline" ? client.storeUrl : client.endpoints;
    const { context } = config;
    const rows = [
      ["config file", config.path ?? "none", ""],
      ["context", context?.name ?? "none", context === undefined ? "" : `(${context.source})`],
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

/** Without the passwords that an address may have. */
function shownMode(mode: Mode): Mode {
  return mode.kind === "inline"
    ? { ...mode, storeUrl: shownSetting(mode.storeUrl) }
    : { ...mode, endpoints: shownSetting(mode.endpoints) };
}
