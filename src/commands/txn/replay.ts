import { BaseCommand } from "../../cli/base-command.ts";
import { Args } from "../../cli/oclif.ts";
import { writeOut } from "../../cli/output.ts";
import { persist } from "../../cli/txn/persist.ts";
import { txnFlags } from "../../cli/txn/txn-flags.ts";
import { txnIdInput } from "../../cli/txn/txn-input.ts";
import { outcomeText } from "../../cli/txn/txn-output.ts";

export default class TxnReplay extends BaseCommand {
  static override summary = "Find out how a transaction stands, and finish it when it is decided";
  static override description =
    "Applies what is still missing of a decision, and rolls back what is beyond its deadline. " +
    "The answer to a commit whose answer was lost.";
  static override examples = [
    "<%= config.bin %> txn replay d3kq0ls2v1g0005fn5g0",
    "<%= config.bin %> txn replay --json",
  ];
  static override args = {
    txn: Args.string({ description: "the transaction id", ignoreStdin: true }),
  };
  static override flags = txnFlags;

  protected override async run(): Promise<void> {
    const parsed = await this.parse(TxnReplay);
    const { flags, args } = parsed;
    const txnId = txnIdInput(flags, args.txn, process.env);
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const result = await persist(() => lockd.transactions.replay({ txnId }, call), call.signal);
      await writeOut(outcomeText(result, flags.json === true || flags.output === "json"));
    });
  }
}
