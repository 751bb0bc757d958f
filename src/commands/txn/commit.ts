import { BaseCommand } from "../../cli/base-command.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { Args } from "../../cli/oclif.ts";
import { decideCommand } from "../../cli/txn/decide-command.ts";
import { participantFlags, txnFlags } from "../../cli/txn/txn-flags.ts";
import { participantsInput, txnIdInput } from "../../cli/txn/txn-input.ts";
import { refuseToDecide } from "../../cli/work/own-transaction.ts";

export default class TxnCommit extends BaseCommand {
  static override summary = "Commit everything that was changed under a transaction";
  static override description =
    "All keys become visible at once and their leases end; messages taken are acknowledged. " +
    "Safe to repeat. Exit code 4: it was rolled back before.";
  static override examples = [
    "<%= config.bin %> txn commit",
    "<%= config.bin %> txn commit d3kq0ls2v1g0005fn5g0 -p orders/1",
  ];
  static override args = {
    txn: Args.string({ description: "the transaction id", ignoreStdin: true }),
  };
  static override flags = { ...txnFlags, ...participantFlags, ...destructiveFlags };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(TxnCommit);
    const { flags, args } = parsed;
    const request = {
      txnId: txnIdInput(flags, args.txn, process.env),
      state: "commit" as const,
      participants: participantsInput(flags),
    };
    if (flags["dry-run"] !== true) refuseToDecide(request.txnId, process.env);
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    const asJson = flags.json === true || flags.output === "json";
    await this.withConnection(parsed, async ({ lockd }) => {
      await decideCommand({ lockd, request, call, asJson, dryRun: flags["dry-run"] });
    });
  }
}
