import { BaseCommand } from "../../cli/base-command.ts";
import {
  type ContextFile,
  changeContexts,
  knownContext,
  readContexts,
} from "../../cli/context/context-file.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { Args } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";

export default class ContextRemove extends BaseCommand {
  static override summary = "Forget a context";
  static override description =
    "Only its settings are forgotten; what is kept at the server or in the store stays.";
  static override hiddenAliases = ["context:rm"];
  static override examples = [
    "<%= config.bin %> context remove production",
    "<%= config.bin %> context remove production --dry-run",
  ];
  static override args = {
    name: Args.string({ description: "name of the context", required: true, ignoreStdin: true }),
  };
  static override flags = destructiveFlags;

  protected override async run(): Promise<void> {
    const { flags, args } = await this.parse(ContextRemove);
    const without = (file: ContextFile): ContextFile => {
      knownContext(file, args.name);
      const contexts = new Map(file.contexts);
      contexts.delete(args.name);
      return { current: file.current === args.name ? undefined : file.current, contexts };
    };
    const dry = flags["dry-run"];
    const { current } = dry
      ? without(readContexts(process.env))
      : await changeContexts(process.env, without);
    const json = { removed: args.name, current: current ?? null, dry_run: dry ? true : undefined };
    const verb = dry ? "would remove" : "removed";
    await writeOut(flags.json ? jsonText(json) : `${verb} context ${args.name}\n`);
  }
}
