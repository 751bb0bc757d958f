import { selectorFlags, selectorInput } from "../../cli/attachment-input.ts";
import { knownVersion } from "../../cli/attachment-output.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { leaseFlags } from "../../cli/flags.ts";
import { leaseInput } from "../../cli/lease-input.ts";
import { Args } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";

export default class AttachmentsDelete extends BaseCommand {
  static override summary = "Stage the deletion of an attachment";
  static override description =
    "What is committed stays readable until release. Deleting what is not there is no error.";
  static override examples = ["<%= config.bin %> attachments delete --name report.pdf"];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = { ...leaseFlags, ...selectorFlags };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(AttachmentsDelete);
    const { flags, args } = parsed;
    const lease = leaseInput(flags, args.key, { env: process.env, txn: "required" });
    const request = { ...lease, ...selectorInput(flags) };
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      const { deleted, version } = await lockd.attachments.delete(request, call);
      await writeOut(jsonText({ deleted, version: knownVersion(version) }));
    });
  }
}
