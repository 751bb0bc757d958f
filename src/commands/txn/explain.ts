import { BaseCommand } from "../../cli/base-command.ts";
import { Args } from "../../cli/oclif.ts";
import { writeOut } from "../../cli/output.ts";
import { txnFlags } from "../../cli/txn/txn-flags.ts";
import { txnIdInput } from "../../cli/txn/txn-input.ts";
import { explanationText } from "../../cli/txn/txn-output.ts";

export default class TxnExplain extends BaseCommand {
  static override summary = "Tell the whole story of one transaction";
  static override description =
    "Who takes part, what was decided and when, where it is applied, and what is missing.";
  static override examples = [
    "<%= config.bin %> txn explain d3kq0ls2v1g0005fn5g0",
    "<%= config.bin %> txn explain --json",
  ];
  static override args = {
    txn: Args.string({ description: "the transaction id", ignoreStdin: true }),
  };
  static override flags = txnFlags;

  protected override async run(): Promise<void> {
    const parsed = await this.parse(TxnExplain);
    const { flags, args } = parsed;
    const txnId = txnIdInput(flags, args.txn, process.env);
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      const told = await lockd.transactions.explain({ txnId }, call);
      await writeOut(explanationText(told, flags.json === true || flags.output === "json"));
    });
  }
}
