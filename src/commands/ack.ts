import { BaseCommand } from "../cli/base-command.ts";
import { Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { settledLines } from "../cli/queue/delivery-output.ts";
import { deliveryFlags } from "../cli/queue/queue-flags.ts";
import { deliveryInput } from "../cli/queue/queue-input.ts";
import { refuseToDecide } from "../cli/work/own-transaction.ts";

export default class Ack extends BaseCommand {
  static override summary = "Tell that a message is done: it is removed for good";
  static override description =
    "Exit code 6: the message is no longer in our hands and was, or will be, delivered again.";
  static override hiddenAliases = ["queue:ack", "q:ack"];
  static override examples = [
    'message=$(<%= config.bin %> dequeue jobs) && eval "$message" && ' +
      './work "$LOCKD_QUEUE_PAYLOAD_PATH" && <%= config.bin %> ack',
    'eval "$(<%= config.bin %> ack --output env)"',
  ];
  static override flags = {
    ...deliveryFlags,
    "state-etag": Flags.string({
      description: "only while its state has this etag [env: LOCKD_QUEUE_STATE_ETAG]",
    }),
    output: Flags.string({ char: "o", options: ["text", "json", "env"], default: "text" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Ack);
    const { flags } = parsed;
    const request = deliveryInput(flags, process.env);
    refuseToDecide(request.txnId, process.env);
    const output = flags.json ? "json" : flags.output;
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const { correlationId } = await lockd.queues.ack(request, call);
      const json = { acked: true, correlation_id: correlationId };
      if (output === "env") await writeOut(settledLines());
      else await writeOut(output === "json" ? jsonText(json) : "acknowledged\n");
    });
  }
}
