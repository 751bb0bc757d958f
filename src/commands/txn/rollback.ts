import { BaseCommand } from "../../cli/base-command.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { Args } from "../../cli/oclif.ts";
import { decideCommand } from "../../cli/txn/decide-command.ts";
import { participantFlags, txnFlags } from "../../cli/txn/txn-flags.ts";
import { participantsInput, txnIdInput } from "../../cli/txn/txn-input.ts";
import { refuseToDecide } from "../../cli/work/own-transaction.ts";

export default class TxnRollback extends BaseCommand {
  static override summary = "Discard everything that was changed under a transaction";
  static override description =
    "All keys stay as they were and their leases end; messages taken go back. " +
    "Safe to repeat. Exit code 4: it was committed before.";
  static override examples = [
    "<%= config.bin %> txn rollback",
    "<%= config.bin %> txn rollback d3kq0ls2v1g0005fn5g0 --dry-run",
  ];
  static override args = {
    txn: Args.string({ description: "the transaction id", ignoreStdin: true }),
  };
  static override flags = { ...txnFlags, ...participantFlags, ...destructiveFlags };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(TxnRollback);
    const { flags, args } = parsed;
    const request = {
      txnId: txnIdInput(flags, args.txn, process.env),
      state: "rollback" as const,
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
