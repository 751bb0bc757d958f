import { BaseCommand } from "../cli/base-command.ts";
import { changeLine, missedText } from "../cli/change-text.ts";
import { keyFlags } from "../cli/flags.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { note } from "../cli/output.ts";
import { queueFlags } from "../cli/queue/queue-flags.ts";
import { watchQueue } from "../cli/queue/watch-queue.ts";
import { watchedQueue, watchedQueueFlags } from "../cli/queue/watched-queue.ts";
import { showChanges } from "../cli/show-changes.ts";
import { watchPlan } from "../cli/watch-plan.ts";

export default class Watch extends BaseCommand {
  static override summary = "Show what happens: leases, commits, queues, transactions";
  static override description =
    "One line an event, one JSON object a line with --json. Connects again by itself. With a key " +
    "or --prefix no commit is lost, whatever breaks; versions in between may be left out. -q " +
    "tells in JSON whether a queue has a message, and --messages what happens to each.";
  static override hiddenAliases = ["queue:watch", "q:watch"];
  static override examples = [
    "<%= config.bin %> watch orders",
    "<%= config.bin %> watch --prefix jobs/ --from-version 0 --json",
    "<%= config.bin %> watch --messages mail -s http://127.0.0.1:9341",
    "<%= config.bin %> watch -q mail --until-available --wait-timeout 1m",
    "<%= config.bin %> watch deploys --count 1 --for 5m",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...keyFlags,
    namespace: queueFlags.namespace,
    ...watchedQueueFlags,
    prefix: Flags.string({ description: "all keys that start with this" }),
    messages: Flags.string({ description: "what happens to the messages of a queue" }),
    txn: Flags.string({ description: "all that happens under a transaction id, an xid" }),
    all: Flags.boolean({ description: "everything, with -n in one namespace" }),
    "from-version": Flags.string({
      description: "first show states whose version is above this; 0 for all there are",
    }),
    after: Flags.string({ description: "go on behind this event: its id in the JSON form" }),
    count: Flags.string({ description: "end after so many events" }),
    for: Flags.string({
      description: "end after this time; with --count too few are exit code 10",
    }),
    output: Flags.string({ char: "o", options: ["text", "json"] }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Watch);
    const { flags, args } = parsed;
    const { key, prefix, messages, txn, all } = flags;
    const queue = watchedQueue(flags, [args.key, key, prefix, messages, txn, all], process.env);
    if (queue !== undefined) {
      const call = { signal: this.interruptible(), correlationId: this.correlationId };
      await this.withConnection(parsed, ({ lockd }) =>
        watchQueue(lockd.queues, { ...queue, ...call }),
      );
      return;
    }
    const namespace = flags.namespace ?? process.env.LOCKD_CLIENT_NAMESPACE;
    const plan = watchPlan({ ...flags, namespace }, args.key);
    const asJson = flags.json || flags.output === "json";
    // On a terminal, so that a quiet key does not look like a command that hangs.
    const isTold = flags.verbose || process.stderr.isTTY === true;
    await this.withConnection(parsed, async ({ lockd }) => {
      await showChanges(lockd.observation, plan, {
        interrupted: this.interruptible(),
        correlationId: this.correlationId,
        line: (event) => {
          if (asJson) return undefined;
          if (event.kind === "missed") note(missedText(event, plan.keepsStates));
          else return changeLine(event);
          return "";
        },
        trouble: (text) => note(text),
        ready: () => (isTold ? note("watching; Ctrl-C ends it") : undefined),
      });
    });
  }
}
