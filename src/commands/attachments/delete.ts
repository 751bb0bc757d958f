import { selectorFlags, selectorInput } from "../../cli/attachment-input.ts";
import { attachmentJson, knownVersion } from "../../cli/attachment-output.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { wouldDelete } from "../../cli/dry-run/would-remove.ts";
import { leaseFlags } from "../../cli/flags.ts";
import { leaseInput } from "../../cli/lease-input.ts";
import { Args } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";

export default class AttachmentsDelete extends BaseCommand {
  static override summary = "Stage the deletion of an attachment";
  static override description =
    "What is committed stays readable until release. Deleting what is not there is no error.";
  static override examples = [
    "<%= config.bin %> attachments delete --name report.pdf",
    "<%= config.bin %> attachments delete --name report.pdf --dry-run",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = { ...leaseFlags, ...selectorFlags, ...destructiveFlags };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(AttachmentsDelete);
    const { flags, args } = parsed;
    const lease = leaseInput(flags, args.key, { env: process.env, txn: "required" });
    const selector = selectorInput(flags);
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      if (flags["dry-run"]) {
        const found = (await wouldDelete(lockd, lease, selector, call)).map(attachmentJson);
        await writeOut(jsonText({ dry_run: true, deleted: found.length > 0, attachments: found }));
        return;
      }
      const request = { ...lease, ...selector };
      const { deleted, version } = await lockd.attachments.delete(request, call);
      await writeOut(jsonText({ deleted, version: knownVersion(version) }));
    });
  }
}
