import { BaseCommand } from "../../../cli/base-command.ts";
import { firstGiven } from "../../../cli/lease-input.ts";
import { Args, Flags } from "../../../cli/oclif.ts";
import { jsonText, note, writeOut } from "../../../cli/output.ts";
import { letterJson } from "../../../cli/queue/letter-text.ts";
import { closePayload, writePayload } from "../../../cli/queue/payload-file.ts";
import { queueFlags } from "../../../cli/queue/queue-flags.ts";
import { queueInput } from "../../../cli/queue/queue-input.ts";

export default class QueueDlqShow extends BaseCommand {
  static override summary = "Show one dead letter, and why it failed";
  static override description =
    "With --payload-out also its payload goes to a file; with - the payload goes to stdout and " +
    "the rest to stderr.";
  static override usage = "queue dlq show QUEUE MESSAGE [FLAGS]";
  static override hiddenAliases = ["q:dlq:show"];
  static override examples = [
    "<%= config.bin %> queue dlq show jobs 019301d0-7a5e-7f3a-9b1c-2f9e6a0c4d11",
    "<%= config.bin %> queue dlq show jobs 019301d0-7a5e-7f3a-9b1c-2f9e6a0c4d11 -o -",
  ];
  static override args = {
    queue: Args.string({ description: "the queue", required: true, ignoreStdin: true }),
    message: Args.string({
      description: "message id, a UUIDv7",
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    namespace: queueFlags.namespace,
    "payload-out": Flags.string({ char: "o", description: "file for the payload, - for stdout" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(QueueDlqShow);
    const { flags, args } = parsed;
    const address = queueInput(flags, args.queue, process.env);
    const file = firstGiven(flags["payload-out"]);
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const request = { ...address, messageId: args.message };
      const { letter, payload } = await lockd.queues.deadLetter(request, call);
      if (file === undefined) await closePayload(payload);
      else await writePayload(payload, file);
      const told = jsonText(letterJson(letter));
      if (file === "-") note(told);
      else await writeOut(told);
    });
  }
}
