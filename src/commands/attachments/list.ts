import { publicFlag, readInput } from "../../cli/attachment-input.ts";
import { listText } from "../../cli/attachment-output.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { leaseFlags } from "../../cli/flags.ts";
import { Args, Flags } from "../../cli/oclif.ts";
import { writeOut } from "../../cli/output.ts";

export default class AttachmentsList extends BaseCommand {
  static override summary = "List the attachments of a key";
  static override description =
    "With a lease: what the holder sees, staged changes included. With --public: what is " +
    "committed. Text is name, size and id with tabs between them.";
  static override examples = [
    "<%= config.bin %> attachments list -k orders --public --output text",
    "<%= config.bin %> attachments list",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...leaseFlags,
    ...publicFlag,
    output: Flags.string({ char: "o", options: ["json", "text"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(AttachmentsList);
    const { flags, args } = parsed;
    const request = readInput(flags, args.key, process.env);
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      const list = await lockd.attachments.list(request, call);
      await writeOut(listText(list, flags.json ? "json" : flags.output));
    });
  }
}
