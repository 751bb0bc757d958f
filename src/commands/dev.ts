import { BaseCommand } from "../cli/base-command.ts";
import {
  dashboardFlags,
  dashboardSettings,
  needTerminal,
} from "../cli/dashboard/dashboard-flags.ts";
import { describeFailure } from "../cli/dashboard/describe-failure.ts";
import { Flags } from "../cli/oclif.ts";
import { readSettings } from "../cli/serve/read-settings.ts";

export default class Dev extends BaseCommand {
  static override summary = "Try things out: a server in memory with the dashboard in front of it";
  static override description =
    "Nothing is kept: when the dashboard is quit, the server and all it knew are gone. Other " +
    "terminals reach it with -s http://127.0.0.1:9341. --no-tui serves without the dashboard.";
  static override examples = [
    "<%= config.bin %> dev",
    "<%= config.bin %> dev --listen 127.0.0.1:0",
    "<%= config.bin %> dev --no-tui",
  ];
  static override flags = {
    ...dashboardFlags,
    listen: Flags.string({ default: "127.0.0.1:9341", description: "address of the server" }),
    tui: Flags.boolean({
      description: "show the dashboard; on unless --no-tui",
      allowNo: true,
      default: true,
    }),
  };

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(Dev);
    const { refreshMsMin } = await import("../tui/limits.ts");
    // Here everything is there to be played with.
    const write = flags.readonly !== true;
    const options = dashboardSettings({ ...flags, write }, refreshMsMin);
    if (flags.tui) needTerminal("--no-tui");
    const config = { path: undefined, values: {} };
    const logLevel = flags.tui ? "none" : "info";
    const own = { store: "mem://", listen: flags.listen, "log-level": logLevel };
    const settings = readSettings({ flags: { ...own, "drain-grace": "0s" }, env: {}, config });
    const { servePlan } = await import("../cli/serve/serve-plan.ts");
    const { runServer } = await import("../cli/serve/run-server.ts");
    const { openSources } = await import("../tui/open-sources.ts");
    const { terminalLooks } = await import("../tui/terminal/terminal-looks.ts");
    const looks = terminalLooks(process.env, flags["screen-reader"]);
    process.exitCode = await runServer({
      plan: servePlan(settings),
      version: this.context.version,
      logMode: process.env.LOCKD_LOG_MODE === "json" ? "json" : "console",
      configPath: undefined,
      unknownKeys: [],
      beside: !flags.tui
        ? undefined
        : async ({ lockd, endpoints }) => {
            const [label = "dev"] = endpoints;
            const about = {
              mode: "server",
              store: "mem://",
              version: this.context.version,
            } as const;
            const sources = openSources([{ label, lockd, ...about }], describeFailure);
            const { runDashboard } = await import("../tui/main.tsx");
            return runDashboard({ sources, options, looks, describe: describeFailure });
          },
    });
  }
}
