import { BaseCommand } from "../cli/base-command.ts";
import { defaultOwner } from "../cli/default-owner.ts";
import { firstGiven } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { note } from "../cli/output.ts";
import { takeFlags } from "../cli/queue/queue-flags.ts";
import { queueInput, secondsInput } from "../cli/queue/queue-input.ts";
import { clientEnvironment } from "../cli/run/run-environment.ts";
import { splitCommand } from "../cli/run/run-plan.ts";
import { transactionFlag, transactionInput, workFlags, workTerms } from "../cli/work/work-plan.ts";

export default class Work extends BaseCommand {
  static override summary = "Run a command for each message of a queue";
  static override description =
    "The payload is the command's standard input, LOCKD_QUEUE_* tell the rest. Exit code 0: the " +
    "message is done; 75: later; any other: it failed. The message's lease is extended while " +
    "the command runs, and the command is killed before anyone else can get the message. On " +
    "SIGTERM or SIGINT nothing more is taken, and commands have --close-timeout to end. " +
    "--transaction: what `lockd enqueue` sends and what is changed under `lockd acquire` in the " +
    "command is committed with the message by exit code 0, and rolled back with it by any other.";
  static override usage = "work QUEUE [FLAGS] -- COMMAND [ARGUMENTS...]";
  static override hiddenAliases = ["queue:work", "q:work"];
  static override examples = [
    "<%= config.bin %> work jobs -- ./handle.sh",
    "<%= config.bin %> work mail --concurrency 8 --nack-delay 30s -- ./send-mail",
    "<%= config.bin %> work orders --transaction -- sh -c 'wrap | lockd enqueue parcels -f -'",
    "<%= config.bin %> work nightly --idle-exit 0 -- sh -c 'jq .id | xargs ./rebuild'",
  ];
  static override args = { queue: Args.string({ description: "the queue", ignoreStdin: true }) };
  static override flags = {
    ...takeFlags,
    ...workFlags,
    transaction: transactionFlag,
    "idle-exit": Flags.string({ description: "end when there was no message for so long" }),
    quiet: Flags.boolean({ description: "say nothing of our own on stderr" }),
  };

  protected override async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv, "work QUEUE");
    const parsed = await this.parse(Work, own);
    const { flags, args } = parsed;
    const terms = workTerms(flags);
    const inTransaction = transactionInput(flags, command);
    const take = {
      ...queueInput(flags, args.queue, process.env),
      owner: firstGiven(flags.owner) ?? defaultOwner(),
      visibilityTimeoutSeconds: secondsInput(flags.visibility, "--visibility"),
      withState: flags.stateful,
    };
    await this.withConnection(parsed, async (connection) => {
      const { runWorker } = await import("../cli/work/run-worker.ts");
      process.exitCode = await runWorker({
        ...{ ...terms, connection, take, command, inTransaction },
        env: clientEnvironment(flags, process.env),
        say: (text) => (flags.quiet ? undefined : note(`lockd work: ${text}`)),
      });
      // A call that hangs below us (a dead network disk) must not keep us from ending.
      setTimeout(() => process.exit(), terms.plan.closeTimeoutMs).unref();
    });
  }
}
