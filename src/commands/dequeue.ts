import type { Delivery } from "../api/queues.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { defaultOwner } from "../cli/default-owner.ts";
import { firstGiven } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, note, writeOut } from "../cli/output.ts";
import { deliveryJson, deliveryLines } from "../cli/queue/delivery-output.ts";
import { endEmpty, isEmptyQueue } from "../cli/queue/empty-queue.ts";
import { newPayloadPath } from "../cli/queue/payload-file.ts";
import { takeFlags } from "../cli/queue/queue-flags.ts";
import { queueInput, secondsInput } from "../cli/queue/queue-input.ts";
import { takeMessage } from "../cli/queue/take-message.ts";
import { parseBlockSeconds } from "../cli/values.ts";

export default class Dequeue extends BaseCommand {
  static override summary = "Take one message from a queue";
  static override description =
    "Prints assignments for eval, so that ack, nack and extend need no flags afterwards. The " +
    "payload goes to a file. Exit code 5: there was no message.";
  static override hiddenAliases = ["queue:dequeue", "q:dequeue"];
  static override examples = [
    'message=$(<%= config.bin %> dequeue jobs --block 30s) && eval "$message"',
    "<%= config.bin %> dequeue -q jobs --block nowait --json",
    "<%= config.bin %> dequeue jobs -o payload.bin --visibility 5m",
  ];
  static override args = { queue: Args.string({ description: "the queue", ignoreStdin: true }) };
  static override flags = {
    ...takeFlags,
    block: Flags.string({
      description: "how long to wait: a duration, seconds, forever, or nowait",
      default: "forever",
    }),
    "page-size": Flags.string({ description: "has no effect: one message is taken", hidden: true }),
    "start-after": Flags.string({ description: "has no effect", hidden: true }),
    "txn-id": Flags.string({ description: "transaction to take it in, an xid" }),
    "payload-out": Flags.string({
      char: "o",
      description: "file for the payload, - for stdout; default a new one in the temp directory",
    }),
    output: Flags.string({ options: ["text", "json"], default: "text" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Dequeue);
    const { flags, args } = parsed;
    const request = {
      ...queueInput(flags, args.queue, process.env),
      owner: firstGiven(flags.owner) ?? defaultOwner(),
      visibilityTimeoutSeconds: secondsInput(flags.visibility, "--visibility"),
      waitSeconds: parseBlockSeconds(flags.block),
      withState: flags.stateful,
      txnId: firstGiven(flags["txn-id"]),
    };
    const file = firstGiven(flags["payload-out"]);
    const payloadPath = file ?? newPayloadPath();
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      let delivery: Delivery;
      try {
        delivery = await takeMessage(lockd.queues, request, { call, payloadPath });
      } catch (error) {
        if (!isEmptyQueue(error) || flags.json) throw error;
        endEmpty(this.context.longForm);
        return;
      }
      const asJson = flags.json || flags.output === "json";
      const named = payloadPath === "-" ? "" : payloadPath;
      const told = asJson
        ? jsonText(deliveryJson(delivery, named))
        : deliveryLines(delivery, named);
      if (file === undefined) note(`payload written to ${payloadPath}`);
      if (payloadPath === "-") note(told);
      else await writeOut(told);
    });
  }
}
