import { BaseCommand } from "../../cli/base-command.ts";
import { changeContexts, knownContext } from "../../cli/context/context-file.ts";
import { noteWhatGoesBefore } from "../../cli/context/goes-before.ts";
import { Args, Flags } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { UsageError } from "../../cli/usage-error.ts";

export default class ContextUse extends BaseCommand {
  static override summary = "Choose the context that commands use from now on";
  static override description =
    "Flags, LOCKD_CLIENT_* variables, --context and LOCKD_CONTEXT go before it; the config file " +
    "comes after it. --none: no context any more.";
  static override usage = "context use NAME | context use --none";
  static override examples = [
    "<%= config.bin %> context use production",
    "<%= config.bin %> context use --none",
  ];
  static override args = {
    name: Args.string({ description: "name of the context", ignoreStdin: true }),
  };
  static override flags = { none: Flags.boolean({ description: "use no context any more" }) };

  protected override async run(): Promise<void> {
    const { flags, args } = await this.parse(ContextUse);
    if ((args.name === undefined) !== (flags.none === true)) {
      throw new UsageError("name a context, or say --none");
    }
    await changeContexts(process.env, (file) => {
      if (args.name !== undefined) knownContext(file, args.name);
      return { ...file, current: args.name };
    });
    const current = args.name ?? null;
    if (current !== null) noteWhatGoesBefore(current, process.env);
    if (flags.json) await writeOut(jsonText({ current }));
    else await writeOut(current === null ? "no context is used\n" : `using context ${current}\n`);
  }
}
