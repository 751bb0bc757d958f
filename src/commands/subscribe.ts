import { BaseCommand } from "../cli/base-command.ts";
import { defaultOwner } from "../cli/default-owner.ts";
import { firstGiven } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { note } from "../cli/output.ts";
import { printDeliveries } from "../cli/queue/print-deliveries.ts";
import { takeFlags } from "../cli/queue/queue-flags.ts";
import { queueInput, secondsInput, wholeInput } from "../cli/queue/queue-input.ts";
import { clientEnvironment } from "../cli/run/run-environment.ts";
import { parseBlockSeconds } from "../cli/values.ts";
import { transactionFlag, transactionInput, workFlags, workTerms } from "../cli/work/work-plan.ts";

export default class Subscribe extends BaseCommand {
  static override summary = "Print messages as they come, or run a shell command for each";
  static override description =
    "Without --exec one JSON object a line; messages stay ours until their lease ends, unless " +
    "--ack. --exec works as `lockd work` does, with the command given to /bin/sh -c.";
  static override hiddenAliases = ["queue:subscribe", "q:subscribe"];
  static override examples = [
    "<%= config.bin %> subscribe jobs --ack | jq -r .payload",
    "<%= config.bin %> subscribe -q jobs --concurrency 4 --exec './worker.sh'",
  ];
  static override args = { queue: Args.string({ description: "the queue", ignoreStdin: true }) };
  static override flags = {
    ...takeFlags,
    ...workFlags,
    transaction: transactionFlag,
    prefetch: Flags.string({ description: "messages on the way at once; not with --exec" }),
    block: Flags.string({ description: "how long to wait for a message", default: "forever" }),
    "start-after": Flags.string({ description: "has no effect", hidden: true }),
    exec: Flags.string({ description: "command for each message" }),
    ack: Flags.boolean({ description: "ack each message once it is printed", exclusive: ["exec"] }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Subscribe);
    const { flags, args } = parsed;
    const waitSeconds = parseBlockSeconds(flags.block);
    const idleExit = waitSeconds === 0 ? undefined : `${Math.max(0, waitSeconds)}s`;
    const terms = workTerms({ ...flags, "idle-exit": idleExit });
    const take = {
      ...queueInput(flags, args.queue, process.env),
      owner: firstGiven(flags.owner) ?? defaultOwner(),
      visibilityTimeoutSeconds: secondsInput(flags.visibility, "--visibility"),
      withState: flags.stateful,
    };
    const inTransaction = transactionInput(flags, flags.exec);
    const pageSize = wholeInput(flags.prefetch, "--prefetch", 1) ?? 1;
    const say = (text: string): void => note(`lockd subscribe: ${text}`);
    await this.withConnection(parsed, async (connection) => {
      if (flags.exec === undefined) {
        process.exitCode = await printDeliveries(connection.lockd.queues, {
          ...{ take: { ...take, pageSize, waitSeconds }, max: terms.plan.max, say },
          ...{ ack: flags.ack, payloadDirectory: terms.payloadDirectory },
          signal: this.interruptible(),
        });
        return;
      }
      const { runWorker } = await import("../cli/work/run-worker.ts");
      const command = ["/bin/sh", "-c", flags.exec];
      const env = clientEnvironment(flags, process.env);
      const parts = { ...terms, connection, take, inTransaction, command, env, say };
      process.exitCode = await runWorker(parts);
      setTimeout(() => process.exit(), terms.plan.closeTimeoutMs).unref();
    });
  }
}
