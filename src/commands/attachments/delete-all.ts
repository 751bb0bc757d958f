import { attachmentJson, knownVersion } from "../../cli/attachment-output.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { wouldDelete } from "../../cli/dry-run/would-remove.ts";
import { leaseFlags } from "../../cli/flags.ts";
import { leaseInput } from "../../cli/lease-input.ts";
import { Args } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";

export default class AttachmentsDeleteAll extends BaseCommand {
  static override summary = "Stage the deletion of all attachments of a key";
  static override description = "What is committed stays readable until release.";
  static override examples = [
    "<%= config.bin %> attachments delete-all",
    "<%= config.bin %> attachments delete-all --dry-run",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = { ...leaseFlags, ...destructiveFlags };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(AttachmentsDeleteAll);
    const { flags, args } = parsed;
    const request = leaseInput(flags, args.key, { env: process.env, txn: "required" });
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      if (flags["dry-run"]) {
        const found = (await wouldDelete(lockd, request, {}, call)).map(attachmentJson);
        await writeOut(jsonText({ dry_run: true, deleted: found.length, attachments: found }));
        return;
      }
      const { deleted, version } = await lockd.attachments.deleteAll(request, call);
      await writeOut(jsonText({ deleted, version: knownVersion(version) }));
    });
  }
}
