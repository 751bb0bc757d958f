import { BaseCommand } from "../cli/base-command.ts";
import { Flags } from "../cli/oclif.ts";
import { queueFlags } from "../cli/queue/queue-flags.ts";
import { queueInput, wholeInput } from "../cli/queue/queue-input.ts";
import { watchQueue } from "../cli/queue/watch-queue.ts";
import { parseDuration } from "../cli/values.ts";

export default class Watch extends BaseCommand {
  static override summary = "Follow whether a queue has a message";
  static override description =
    "One line an event, the present state first. Looks without touching. Exit code 10: " +
    "--wait-timeout was over.";
  static override usage = "watch -q QUEUE [FLAGS]";
  static override hiddenAliases = ["queue:watch", "q:watch"];
  static override examples = [
    "<%= config.bin %> watch -q jobs",
    "<%= config.bin %> watch -q jobs --until-available --wait-timeout 1m && ./work-them-off.sh",
  ];
  static override flags = {
    ...queueFlags,
    queue: Flags.string({ char: "q", description: "the queue [env: LOCKD_QUEUE_NAME]" }),
    count: Flags.string({ description: "end after so many events" }),
    "until-available": Flags.boolean({ description: "end when there is a message" }),
    "wait-timeout": Flags.string({ description: "give up after so long" }),
    output: Flags.string({ char: "o", options: ["json", "text"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Watch);
    const { flags } = parsed;
    const waitTimeout = flags["wait-timeout"];
    const terms = {
      address: queueInput(flags, undefined, process.env),
      count: wholeInput(flags.count, "--count", 1),
      untilAvailable: flags["until-available"],
      waitTimeoutMs:
        waitTimeout === undefined ? undefined : parseDuration(waitTimeout, "--wait-timeout"),
      asText: flags.output === "text" && !flags.json,
      signal: this.interruptible(),
      correlationId: this.correlationId,
    };
    await this.withConnection(parsed, ({ lockd }) => watchQueue(lockd.queues, terms));
  }
}
