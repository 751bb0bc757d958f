import { BaseCommand } from "../cli/base-command.ts";
import { changeLines } from "../cli/change-output.ts";
import { destructiveFlags } from "../cli/dry-run/destructive-flags.ts";
import { dryRunText } from "../cli/dry-run/dry-run-text.ts";
import { wouldRemove, wouldRemoveText } from "../cli/dry-run/would-remove.ts";
import { casFlags, leaseFlags } from "../cli/flags.ts";
import { casInput, leaseInput } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";

export default class Remove extends BaseCommand {
  static override summary = "Stage the removal of a state";
  static override description =
    "The committed state stays readable until release; the key keeps its version and token.";
  static override hiddenAliases = ["rm", "delete"];
  static override examples = [
    "<%= config.bin %> remove",
    "<%= config.bin %> remove --if-version 4",
    "<%= config.bin %> remove --dry-run",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...leaseFlags,
    ...casFlags,
    ...destructiveFlags,
    output: Flags.string({ char: "o", options: ["json", "text", "env"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Remove);
    const { flags, args } = parsed;
    const lease = leaseInput(flags, args.key, { env: process.env, txn: "required" });
    const request = { ...lease, ...casInput(flags) };
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      const output = flags.json ? "json" : flags.output;
      if (flags["dry-run"]) {
        const would = await wouldRemove(lockd, request, call);
        await writeOut(dryRunText(output, { dry_run: true, ...would }, wouldRemoveText(would)));
        return;
      }
      const { removed, newVersion } = await lockd.remove(request, call);
      if (output === "json") await writeOut(jsonText({ removed, version: newVersion }));
      else await writeOut(changeLines(output, { version: newVersion }));
    });
  }
}
