import { BaseCommand } from "../../cli/base-command.ts";
import { Args, Flags } from "../../cli/oclif.ts";
import { decideCommand } from "../../cli/txn/decide-command.ts";
import { participantFlags, txnFlags } from "../../cli/txn/txn-flags.ts";
import { participantsInput, txnIdInput } from "../../cli/txn/txn-input.ts";
import { parseWhole } from "../../cli/values.ts";

export default class TxnPrepare extends BaseCommand {
  static override summary = "Record what takes part in a transaction";
  static override description =
    "Decides nothing: the participants are added to what is recorded, and the deadline moves " +
    "out, never in. Keys that are changed under the transaction need no recording.";
  static override examples = [
    "<%= config.bin %> txn prepare -p orders/1",
    "<%= config.bin %> txn prepare $LOCKD_CLIENT_TXN_ID -p orders/1 -p billing:invoices/7",
  ];
  static override args = {
    txn: Args.string({ description: "the transaction id", ignoreStdin: true }),
  };
  static override flags = {
    ...txnFlags,
    ...participantFlags,
    "expires-unix": Flags.string({ description: "deadline, Unix seconds" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(TxnPrepare);
    const { flags, args } = parsed;
    const request = {
      txnId: txnIdInput(flags, args.txn, process.env),
      state: "pending" as const,
      participants: participantsInput(flags),
      expiresAtUnix:
        flags["expires-unix"] === undefined
          ? undefined
          : parseWhole(flags["expires-unix"], "--expires-unix", 0),
    };
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    const asJson = flags.json === true || flags.output === "json";
    await this.withConnection(parsed, async ({ lockd }) => {
      await decideCommand({ lockd, request, call, asJson });
    });
  }
}
