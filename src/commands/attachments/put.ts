import { attachmentJson, knownVersion } from "../../cli/attachment-output.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { leaseFlags } from "../../cli/flags.ts";
import { leaseInput } from "../../cli/lease-input.ts";
import { Args, Flags } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { progressFlag } from "../../cli/progress.ts";
import { sendAttachment } from "../../cli/send-attachment.ts";
import { parseSize } from "../../cli/values.ts";

export default class AttachmentsPut extends BaseCommand {
  static override summary = "Attach a file to a key you hold";
  static override description =
    "Streams a file or stdin of any length. Nobody else sees it before release; an attachment of " +
    "the same name is replaced then.";
  static override examples = [
    "<%= config.bin %> attachments put --name report.pdf --file report.pdf",
    "pg_dump db | <%= config.bin %> attachments put --name dump.sql --file - --max-bytes 20GiB",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...leaseFlags,
    ...progressFlag,
    name: Flags.string({ description: "name of the attachment", required: true }),
    file: Flags.string({ char: "f", description: "file, or - for stdin", required: true }),
    "content-type": Flags.string({
      description: "type of the content",
      default: "application/octet-stream",
    }),
    "prevent-overwrite": Flags.boolean({ description: "keep one that has this name already" }),
    "max-bytes": Flags.string({ description: "refuse more than this; 0 for no limit" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(AttachmentsPut);
    const { flags, args } = parsed;
    const limit = flags["max-bytes"];
    const request = {
      ...leaseInput(flags, args.key, { env: process.env, txn: "required" }),
      name: flags.name,
      contentType: flags["content-type"],
      preventOverwrite: flags["prevent-overwrite"],
      maxBytes: limit === undefined ? undefined : parseSize(limit, "--max-bytes"),
    };
    const call = { correlationId: this.correlationId, signal: this.interruptible() };
    await this.withConnection(parsed, async ({ lockd }) => {
      const { file, progress, json } = flags;
      const result = await sendAttachment(lockd, { request, call, file, progress, json });
      const { attachment, noop, version } = result;
      await writeOut(
        jsonText({
          attachment: attachmentJson(attachment),
          noop: noop ? true : undefined,
          version: knownVersion(version),
        }),
      );
    });
  }
}
