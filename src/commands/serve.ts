import { BaseCommand } from "../cli/base-command.ts";
import { loadConfig } from "../cli/config-file.ts";
import { Flags } from "../cli/oclif.ts";
import { readSettings, unknownKeys } from "../cli/serve/read-settings.ts";
import { serveFlags, typedSettings } from "../cli/serve/serve-flags.ts";

export default class Serve extends BaseCommand {
  static override summary = "Serve a store over HTTP";
  static override description =
    "Owns the store until SIGTERM or SIGINT, then drains and exits 0. Commands on this machine " +
    "that use the same disk store find the server by themselves.";
  static override examples = [
    "<%= config.bin %> serve --store disk:///var/lib/lockd",
    "<%= config.bin %> serve --store mem:// --listen 127.0.0.1:0",
    "<%= config.bin %> serve --store disk:///srv/l --listen /run/lockd.sock --listen-proto unix",
  ];
  static override flags = {
    ...serveFlags,
    "disable-storage-encryption": Flags.boolean({
      description: "accepted for existing scripts; this version does not encrypt yet",
      hidden: true,
    }),
  };

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    const config = await loadConfig(flags.config, process.env);
    const settings = readSettings({ flags: typedSettings(flags), env: process.env, config });
    const { servePlan } = await import("../cli/serve/serve-plan.ts");
    const { runServer } = await import("../cli/serve/run-server.ts");
    process.exitCode = await runServer({
      plan: servePlan(settings),
      version: this.context.version,
      logMode: process.env.LOCKD_LOG_MODE === "console" ? "console" : "json",
      verboseFields: process.env.LOCKD_LOG_VERBOSE_FIELDS === "1",
      configPath: config.path,
      unknownKeys: unknownKeys(config),
    });
  }
}
