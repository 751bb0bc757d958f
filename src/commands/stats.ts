import type { QueueStats } from "../api/queues.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { queueFlags } from "../cli/queue/queue-flags.ts";
import { queueInput } from "../cli/queue/queue-input.ts";

export default class Stats extends BaseCommand {
  static override summary = "Tell what a queue's head is and who waits for it";
  static override description =
    "Looks without touching. How many messages there are tells `lockd queue ls`.";
  static override hiddenAliases = ["queue:stats", "q:stats"];
  static override examples = [
    "<%= config.bin %> stats jobs",
    "<%= config.bin %> stats -q jobs -o text",
  ];
  static override args = { queue: Args.string({ description: "the queue", ignoreStdin: true }) };
  static override flags = {
    ...queueFlags,
    output: Flags.string({ char: "o", options: ["json", "text"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Stats);
    const { flags, args } = parsed;
    const address = queueInput(flags, args.queue, process.env);
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      const value = statsJson(await lockd.queues.stats(address, call));
      const given = Object.entries(value).filter(([, field]) => field !== undefined);
      const text = given.map(([name, field]) => `${name}: ${field}\n`).join("");
      await writeOut(flags.json || flags.output === "json" ? jsonText(value) : text);
    });
  }
}

function statsJson(stats: QueueStats) {
  return {
    namespace: stats.namespace,
    queue: stats.queue,
    waiting_consumers: stats.waitingConsumers,
    pending_candidates: stats.pendingCandidates,
    pending_at_least: stats.pendingAtLeast,
    total_consumers: stats.totalConsumers,
    has_active_watcher: stats.hasActiveWatcher,
    available: stats.available,
    head_message_id: stats.headMessageId,
    head_enqueued_at_unix: stats.headEnqueuedAtUnix,
    head_not_visible_until_unix: stats.headNotVisibleUntilUnix,
    head_age_seconds: stats.headAgeSeconds,
  };
}
