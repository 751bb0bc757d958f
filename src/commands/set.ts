import { BaseCommand } from "../cli/base-command.ts";
import { changeLocal } from "../cli/change-local.ts";
import { writeChange } from "../cli/change-output.ts";
import { casFlags, leaseOnlyFlags } from "../cli/flags.ts";
import { casInput, leaseInput } from "../cli/lease-input.ts";
import { mutationWords } from "../cli/mutation-words.ts";
import { Args, Flags } from "../cli/oclif.ts";

export default class SetState extends BaseCommand {
  static override summary = "Change parts of a state you hold, on the way through this process";
  static override description =
    "Reads the state, applies LQL mutations and stages the result, all streamed. Values may come " +
    "from files. Refused when the state changed meanwhile, unless --no-cas.";
  static override usage = "set MUTATION... [FLAGS]";
  static override examples = [
    "<%= config.bin %> set '/status=done'",
    "<%= config.bin %> set 'file:/report=report.pdf' '/pages=+3'",
    "<%= config.bin %> set --no-cas '/beat++'",
  ];
  static override strict = false;
  static override args = {
    mutation: Args.string({ description: "LQL expression, several allowed", ignoreStdin: true }),
  };
  static override flags = {
    ...leaseOnlyFlags,
    ...casFlags,
    "no-cas": Flags.boolean({ description: "do not insist on the state that was read" }),
    output: Flags.string({ char: "o", options: ["json", "text", "env"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(SetState);
    const { flags } = parsed;
    const { mutations } = mutationWords(parsed.argv as string[], "allow");
    const lease = leaseInput(flags, undefined, { env: process.env, txn: "required" });
    const fetchedCas = flags["no-cas"] !== true;
    const cas = fetchedCas ? casInput(flags) : { ifVersion: undefined, ifStateEtag: undefined };
    const call = { correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const result = await changeLocal(lockd, { lease, mutations, cas, fetchedCas }, call);
      await writeChange(flags.json ? "json" : flags.output, result);
    });
  }
}
