import { BaseCommand } from "../cli/base-command.ts";
import { destructiveFlags } from "../cli/dry-run/destructive-flags.ts";
import { dryRunText } from "../cli/dry-run/dry-run-text.ts";
import { wouldRelease, wouldReleaseJson, wouldReleaseText } from "../cli/dry-run/would-release.ts";
import { leaseFlags } from "../cli/flags.ts";
import { leaseInput } from "../cli/lease-input.ts";
import { releaseLines } from "../cli/lease-output.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { refuseToDecide } from "../cli/work/own-transaction.ts";

export default class Release extends BaseCommand {
  static override summary = "End a lease and commit what it staged";
  static override description =
    "With --rollback the staged changes are discarded. What other keys staged under the same " +
    "transaction is committed or discarded with it; --dry-run names them. A lease that is " +
    "already gone is no error.";
  static override examples = [
    "<%= config.bin %> release",
    "<%= config.bin %> release --rollback",
    "<%= config.bin %> release --rollback --dry-run --output text",
    'eval "$(<%= config.bin %> release --output env)"',
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...leaseFlags,
    ...destructiveFlags,
    rollback: Flags.boolean({ description: "discard staged changes instead of committing them" }),
    output: Flags.string({ char: "o", options: ["json", "text", "env"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Release);
    const { flags, args } = parsed;
    const lease = leaseInput(flags, args.key, { env: process.env, txn: "required" });
    if (!flags["dry-run"]) refuseToDecide(lease.txnId, process.env);
    await this.withConnection(parsed, async ({ lockd }) => {
      const request = { ...lease, rollback: flags.rollback };
      const call = { correlationId: this.correlationId };
      const output = flags.json ? "json" : flags.output;
      if (flags["dry-run"]) {
        const would = await wouldRelease(lockd, request, call);
        await writeOut(dryRunText(output, wouldReleaseJson(would), wouldReleaseText(would)));
        return;
      }
      const { released } = await lockd.release(request, call);
      if (output === "env") await writeOut(releaseLines());
      else await writeOut(output === "json" ? jsonText({ released }) : `released: ${released}\n`);
    });
  }
}
