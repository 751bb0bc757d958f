import { BaseCommand } from "../../cli/base-command.ts";
import { activeContext } from "../../cli/context/active-context.ts";
import { knownContext, readContexts } from "../../cli/context/context-file.ts";
import { contextJson, contextText } from "../../cli/context/context-text.ts";
import { Args } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { UsageError } from "../../cli/usage-error.ts";

export default class ContextShow extends BaseCommand {
  static override summary = "Show the settings of a context";
  static override description =
    "Without a name the one in effect. Passwords in addresses are not shown.";
  static override examples = [
    "<%= config.bin %> context show",
    "<%= config.bin %> context show production --json",
  ];
  static override args = {
    name: Args.string({ description: "name of the context", ignoreStdin: true }),
  };

  protected override async run(): Promise<void> {
    const { flags, args } = await this.parse(ContextShow);
    const file = readContexts(process.env);
    const active = args.name === undefined ? activeContext(flags.context, process.env) : undefined;
    const name = args.name ?? active?.name;
    if (name === undefined) {
      throw new UsageError("no context is in effect; name one (see lockd context list)");
    }
    const context = knownContext(file, name);
    const current = flags.context?.trim() || file.current;
    if (flags.json) await writeOut(jsonText(contextJson(name, context, current)));
    else await writeOut(contextText(name, context, current));
  }
}
