import { BaseCommand, typedFlags } from "../cli/base-command.ts";
import { connectEach, type NamedConnection } from "../cli/connect-each.ts";
import {
  dashboardFlags,
  dashboardSettings,
  needTerminal,
} from "../cli/dashboard/dashboard-flags.ts";
import { describeFailure } from "../cli/dashboard/describe-failure.ts";
import { Flags } from "../cli/oclif.ts";
import { writeOut } from "../cli/output.ts";

export default class Tui extends BaseCommand {
  static override summary = "Watch keys, queues and transactions in the terminal";
  static override description =
    "Reads only, unless --write is given; press ? for the keys. Several servers stand side by " +
    "side with --each or --all-islands. --once prints one frame and needs no terminal.";
  static override examples = [
    "<%= config.bin %> tui",
    "<%= config.bin %> tui -s http://a:9341,http://b:9341 --each",
    "<%= config.bin %> tui --once --output json",
  ];
  static override flags = {
    ...dashboardFlags,
    each: Flags.boolean({ description: "watch every endpoint of --server by itself" }),
    "all-islands": Flags.boolean({ description: "watch every island of the config file" }),
    once: Flags.boolean({ description: "print one frame and end; needs no terminal" }),
    output: Flags.string({
      char: "o",
      options: ["text", "json"],
      default: "text",
      description: "of --once",
    }),
  };

  protected override async run(): Promise<void> {
    const { flags, raw } = await this.parse(Tui);
    const { refreshMsMin, serversMax } = await import("../tui/limits.ts");
    const { clientValue, loadConfig } = await import("../cli/config-file.ts");
    const config = await loadConfig(flags.config, process.env);
    const queue = flags.queue ?? [clientValue(config, "tui.queues") ?? ""];
    const settings = dashboardSettings({ ...flags, queue }, refreshMsMin);
    if (!flags.once) needTerminal("--once");
    // The dashboard tries again by itself, and shows that it does.
    const own = { ...flags, retries: flags.retries ?? "-1" };
    const input = { flags: own, typed: typedFlags(raw), env: process.env };
    const { each = false, "all-islands": allIslands = false } = flags;
    const connections = await connectEach(input, { each, allIslands, max: serversMax });
    try {
      const { openSources } = await import("../tui/open-sources.ts");
      const { terminalLooks } = await import("../tui/terminal/terminal-looks.ts");
      const sources = openSources(connections.map(watched(this.context.version)), describeFailure);
      const dashboard = { sources, options: settings };
      const looks = terminalLooks(process.env, flags["screen-reader"]);
      if (flags.once) {
        const { lookOnce } = await import("../tui/once.ts");
        const output = flags.json || flags.output === "json" ? "json" : "text";
        const columns = process.stdout.columns ?? (Number(process.env.COLUMNS) || 100);
        const rest = { describe: describeFailure, output, columns, ...looks } as const;
        await writeOut(await lookOnce({ ...dashboard, ...rest }));
        return;
      }
      const { runDashboard } = await import("../tui/main.tsx");
      process.exitCode = await runDashboard({ ...dashboard, looks, describe: describeFailure });
    } finally {
      await Promise.allSettled(connections.map(({ lockd }) => lockd.close()));
    }
  }
}

function watched(version: string) {
  return ({ label, lockd, mode }: NamedConnection) =>
    mode.kind === "inline"
      ? { label, lockd, mode: mode.kind, store: mode.storeUrl, version }
      : { label, lockd, mode: mode.kind, store: "", version: undefined };
}
