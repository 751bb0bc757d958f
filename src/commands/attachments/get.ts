import { publicFlag, readInput, selectorFlags, selectorInput } from "../../cli/attachment-input.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { leaseFlags } from "../../cli/flags.ts";
import { Args, Flags } from "../../cli/oclif.ts";
import { progressFlag } from "../../cli/progress.ts";
import { saveAttachment } from "../../cli/save-attachment.ts";

export default class AttachmentsGet extends BaseCommand {
  static override summary = "Download an attachment";
  static override description =
    "Streams it to a file or stdout and checks its length and SHA-256. A file is there whole or " +
    "not at all; a broken download is exit code 8.";
  static override examples = [
    "<%= config.bin %> attachments get -k orders --public --name report.pdf -o report.pdf",
    "<%= config.bin %> attachments get --name rows.csv | head",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...leaseFlags,
    ...publicFlag,
    ...selectorFlags,
    ...progressFlag,
    output: Flags.string({ char: "o", description: "file to write, - for stdout", default: "-" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(AttachmentsGet);
    const { flags, args } = parsed;
    const request = { ...readInput(flags, args.key, process.env), ...selectorInput(flags) };
    const signal = this.interruptible();
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId, signal };
      const retrieved = await lockd.attachments.retrieve(request, call);
      const file = flags.output === "-" ? undefined : flags.output;
      await saveAttachment(retrieved, { file, signal, progress: flags.progress, json: flags.json });
    });
  }
}
