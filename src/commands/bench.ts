import { BaseCommand, typedFlags } from "../cli/base-command.ts";
import { benchPlan, measureNames, refuseUnlessMeant } from "../cli/bench/bench-plan.ts";
import { clientConfig, selectMode } from "../cli/connect.ts";
import { Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";

export default class Bench extends BaseCommand {
  static override summary = "Measure lockd on this store or server, beside what it stands on";
  static override description =
    "Cycles of leases, updates, messages and transactions for --seconds each, with as many " +
    "clients as --clients, and in the same run a yardstick: raw synced writes in the store's " +
    "directory, or a bare HTTP server on this machine. Works in a namespace of its own and " +
    "removes its states and messages, also after Ctrl-C; one bench at a time. It is a load: for " +
    "a server on another machine say --yes.";
  static override examples = [
    "<%= config.bin %> bench",
    "<%= config.bin %> bench -s http://127.0.0.1:9341 --clients 64 --seconds 5",
    "<%= config.bin %> bench --store disk:///var/lib/lockd --only lease --only update --json",
  ];
  static override flags = {
    seconds: Flags.string({ default: "2", description: "time of each measure, at most 60" }),
    clients: Flags.string({ default: "8", description: "concurrent clients, at most 256" }),
    only: Flags.string({
      multiple: true,
      options: [...measureNames],
      description: "only this measure; repeatable",
    }),
    namespace: Flags.string({
      char: "n",
      default: "lockd-bench",
      description: "namespace of its keys and its queue",
    }),
    yes: Flags.boolean({ description: "a server on another machine is meant" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Bench);
    const { flags, raw } = parsed;
    const plan = benchPlan(flags);
    const input = { flags, typed: typedFlags(raw), env: process.env };
    const mode = selectMode(input, await clientConfig(input));
    refuseUnlessMeant(mode, flags.yes);
    const signal = this.interruptible();
    await this.withConnection(parsed, async (connection) => {
      const { runBench } = await import("../cli/bench/run-bench.ts");
      const result = await runBench(connection, plan, signal);
      const { benchJson, benchText } = await import("../cli/bench/bench-report.ts");
      await writeOut(flags.json ? jsonText(benchJson(result)) : benchText(result));
    });
  }
}
