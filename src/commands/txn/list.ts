import { BaseCommand } from "../../cli/base-command.ts";
import { damagedText } from "../../cli/damaged-text.ts";
import { firstGiven } from "../../cli/lease-input.ts";
import { Flags } from "../../cli/oclif.ts";
import { note, writeTable } from "../../cli/output.ts";
import { txnFlags } from "../../cli/txn/txn-flags.ts";
import { listText } from "../../cli/txn/txn-output.ts";
import { parseWhole } from "../../cli/values.ts";

export default class TxnList extends BaseCommand {
  static override summary = "List the transactions that are recorded";
  static override description =
    "Undecided ones, and decided ones that are not finished everywhere. Finished ones are only " +
    "remembered one by one; see lockd txn explain. Damaged ones are named on stderr, and as " +
    "`damaged` in JSON.";
  static override examples = [
    "<%= config.bin %> txn list",
    "<%= config.bin %> txn list --in-doubt --json",
  ];
  static override flags = {
    output: txnFlags.output,
    state: Flags.string({ description: "only these", options: ["pending", "commit", "rollback"] }),
    "in-doubt": Flags.boolean({
      description: "only those beyond their deadline, or decided and not applied everywhere",
    }),
    limit: Flags.string({ description: "transactions at most, 1 to 1000", default: "100" }),
    cursor: Flags.string({ description: "go on after this one" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(TxnList);
    const { flags } = parsed;
    const request = {
      state: flags.state,
      inDoubt: flags["in-doubt"],
      limit: parseWhole(flags.limit, "--limit", 1),
      cursor: firstGiven(flags.cursor),
    };
    await this.withConnection(parsed, async ({ lockd }) => {
      const page = await lockd.transactions.list(request, { correlationId: this.correlationId });
      const text = listText(page, flags.json === true || flags.output === "json");
      await writeTable(text, "no such transaction is recorded");
      const unreadable = damagedText(page.damaged.map(({ txnId: id, detail }) => ({ id, detail })));
      if (unreadable !== "") note(unreadable);
    });
  }
}
