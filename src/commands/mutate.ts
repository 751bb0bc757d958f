import { BaseCommand } from "../cli/base-command.ts";
import { changeLocal } from "../cli/change-local.ts";
import { writeChange } from "../cli/change-output.ts";
import { casFlags, leaseOnlyFlags } from "../cli/flags.ts";
import { casInput, leaseInput } from "../cli/lease-input.ts";
import { mutationWords } from "../cli/mutation-words.ts";
import { Args, Flags } from "../cli/oclif.ts";

export default class Mutate extends BaseCommand {
  static override summary = "Change parts of a state you hold";
  static override description =
    "Applies LQL mutations where the state is; only what they name changes. See docs/lql.md.";
  static override usage = "mutate MUTATION... [FLAGS]";
  static override examples = [
    "<%= config.bin %> mutate '/count++' 'time:/seen=NOW'",
    "<%= config.bin %> mutate '/owner{/name=\"Ada\",rm:/old}' --if-version 4",
    "<%= config.bin %> mutate --local 'textfile:/notes=notes.txt'",
  ];
  static override strict = false;
  static override args = {
    mutation: Args.string({ description: "LQL expression, several allowed", ignoreStdin: true }),
  };
  static override flags = {
    ...leaseOnlyFlags,
    ...casFlags,
    local: Flags.boolean({
      char: "l",
      description: "change it on the way through this process; allows file values",
    }),
    output: Flags.string({ char: "o", options: ["json", "text", "env"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Mutate);
    const { flags } = parsed;
    const input = mutationWords(parsed.argv as string[], flags.local ? "allow" : "refuse");
    const lease = leaseInput(flags, undefined, { env: process.env, txn: "required" });
    const cas = casInput(flags);
    const call = { correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const result = flags.local
        ? await changeLocal(lockd, { ...input, lease, cas, fetchedCas: true }, call)
        : await lockd.mutate({ ...lease, ...cas, mutations: input.expressions }, call);
      await writeChange(flags.json ? "json" : flags.output, result);
    });
  }
}
