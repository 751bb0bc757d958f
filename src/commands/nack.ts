import { BaseCommand } from "../cli/base-command.ts";
import { firstGiven } from "../cli/lease-input.ts";
import { Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { metaEtagLine } from "../cli/queue/delivery-output.ts";
import { deliveryFlags } from "../cli/queue/queue-flags.ts";
import { deliveryInput, secondsInput } from "../cli/queue/queue-input.ts";
import { UsageError } from "../cli/usage-error.ts";
import { refuseToDecide } from "../cli/work/own-transaction.ts";

export default class Nack extends BaseCommand {
  static override summary = "Give a message back";
  static override description =
    "A failure counts against the message's attempts, a defer does not. Exit code 6: the message " +
    "is no longer in our hands.";
  static override hiddenAliases = ["queue:nack", "q:nack"];
  static override examples = [
    '<%= config.bin %> nack --delay 15s --reason "exit $?"',
    "<%= config.bin %> nack --intent defer --delay 1m",
  ];
  static override flags = {
    ...deliveryFlags,
    delay: Flags.string({ description: "how long nobody gets it" }),
    intent: Flags.string({
      char: "i",
      options: ["failure", "defer"],
      default: "failure",
      description: "whether this counts as a failed attempt",
    }),
    reason: Flags.string({ description: "why; kept with the message until it is taken again" }),
    output: Flags.string({ char: "o", options: ["text", "json", "env"], default: "text" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Nack);
    const { flags } = parsed;
    const reason = firstGiven(flags.reason);
    if (reason !== undefined && flags.intent === "defer") {
      throw new UsageError("--reason goes with a failure; leave it out with --intent defer");
    }
    const request = {
      ...deliveryInput(flags, process.env),
      delaySeconds: secondsInput(flags.delay, "--delay"),
      intent: flags.intent,
      lastError: reason === undefined ? undefined : { detail: reason },
    };
    refuseToDecide(request.txnId, process.env);
    const output = flags.json ? "json" : flags.output;
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const { metaEtag, correlationId } = await lockd.queues.nack(request, call);
      const json = { requeued: true, meta_etag: metaEtag, correlation_id: correlationId };
      if (output === "env") await writeOut(metaEtagLine(metaEtag));
      else await writeOut(output === "json" ? jsonText(json) : "requeued\n");
    });
  }
}
