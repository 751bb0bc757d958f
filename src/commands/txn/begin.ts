import { BaseCommand } from "../../cli/base-command.ts";
import { Flags } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { exportLine } from "../../cli/shell-words.ts";

export default class TxnBegin extends BaseCommand {
  static override summary = "Make a transaction id for several keys";
  static override description =
    "Prints it for eval; every acquire in the same shell then joins the transaction, and " +
    "lockd txn commit or rollback decides all of it. Nothing is recorded before the first change.";
  static override examples = [
    'eval "$(<%= config.bin %> txn begin)"',
    "<%= config.bin %> txn begin --json",
  ];
  static override flags = {
    output: Flags.string({ char: "o", options: ["text", "json"], default: "text" }),
  };

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(TxnBegin);
    const { mintTxnId } = await import("../../client/txn/mint-txn-id.ts");
    const txnId = mintTxnId(Date.now());
    const asJson = flags.json === true || flags.output === "json";
    await writeOut(
      asJson ? jsonText({ txn_id: txnId }) : `${exportLine("LOCKD_CLIENT_TXN_ID", txnId)}\n`,
    );
  }
}
