import { BaseCommand } from "../cli/base-command.ts";
import { Flags } from "../cli/oclif.ts";
import { topLoop } from "../cli/top-loop.ts";
import { UsageError } from "../cli/usage-error.ts";
import { parseTimeLimit, parseWhole } from "../cli/values.ts";

/** Milliseconds. More often would cost the server more than anybody can read. */
const refreshMsMin = 250;

export default class Top extends BaseCommand {
  static override summary = "Show held keys, queues and transactions as a table, again and again";
  static override description =
    "What ends first stands first. Plain text: on a terminal it is redrawn in place, elsewhere " +
    "one table follows the other. --json prints one object a line.";
  static override examples = [
    "<%= config.bin %> top",
    "<%= config.bin %> top --once -n billing -n jobs",
    "<%= config.bin %> top --filter worker-7 --order name --refresh 5s",
    "<%= config.bin %> top --once --json | jq .counts",
  ];
  static override flags = {
    namespace: Flags.string({
      char: "n",
      multiple: true,
      description: "only this namespace; may be repeated. Default: all",
    }),
    filter: Flags.string({ description: "only keys or owners that contain this" }),
    order: Flags.string({
      options: ["expiry", "name"],
      default: "expiry",
      description: "order of the keys",
    }),
    limit: Flags.string({ default: "20", description: "keys to show, at most 200" }),
    refresh: Flags.string({ default: "2s", description: "pause between two looks, from 250ms" }),
    once: Flags.boolean({ description: "one table, then end" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Top);
    const { flags } = parsed;
    const refreshMs = parseTimeLimit(flags.refresh, "--refresh");
    if (refreshMs < refreshMsMin) {
      throw new UsageError(`--refresh ${flags.refresh} is below ${refreshMsMin}ms`);
    }
    const { filter, order } = flags;
    const limit = parseWhole(flags.limit, "--limit", 0);
    const signal = this.interruptible();
    await this.withConnection(parsed, async ({ lockd }) => {
      await topLoop({
        look: () =>
          lockd.observation.overview(
            { namespaces: flags.namespace, filter, order, limit },
            { signal, correlationId: this.correlationId },
          ),
        refreshMs: flags.once ? undefined : refreshMs,
        asJson: flags.json,
        signal,
      });
    });
  }
}
