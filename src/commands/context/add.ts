import { failure } from "../../api/errors.ts";
import { BaseCommand, typedFlags } from "../../cli/base-command.ts";
import {
  type ContextFile,
  changeContexts,
  contextName,
  readContexts,
} from "../../cli/context/context-file.ts";
import { contextInput } from "../../cli/context/context-input.ts";
import { noteWhatGoesBefore } from "../../cli/context/goes-before.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { Args, Flags } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";

export default class ContextAdd extends BaseCommand {
  static override summary = "Give a name to a set of connection settings";
  static override description =
    "One of --server, --island and --store says where; --namespace, --timeout, --close-timeout, " +
    "--keepalive-timeout, --retries, --disable-mtls and --no-endpoint-shuffle are kept with it " +
    "when they are given here. Exit code 4: there is one of that name; see --force.";
  static override usage = "context add NAME [FLAGS]";
  static override examples = [
    "<%= config.bin %> context add production --server https://a:9341,https://b:9341 -n shop",
    "<%= config.bin %> context add local --store disk:///var/lib/lockd --use",
    "<%= config.bin %> context add eu --island eu --timeout 5s",
    "<%= config.bin %> context add local --store disk:///srv/lockd --force --dry-run",
  ];
  static override args = {
    name: Args.string({ description: "name of the context", required: true, ignoreStdin: true }),
  };
  static override flags = {
    namespace: Flags.string({ char: "n", description: "namespace of keys that name none" }),
    force: Flags.boolean({ description: "replace the context of that name" }),
    ...destructiveFlags,
    use: Flags.boolean({ description: "use it from now on" }),
  };

  protected override async run(): Promise<void> {
    const { flags, args, raw } = await this.parse(ContextAdd);
    const name = contextName(args.name);
    const context = contextInput(flags, typedFlags(raw));
    let replaced = false;
    const withNew = (file: ContextFile): ContextFile => {
      replaced = file.contexts.has(name);
      if (replaced && !flags.force) throw failure("already_there", `context "${name}" exists`);
      const contexts = new Map(file.contexts).set(name, context);
      return { current: flags.use ? name : file.current, contexts };
    };
    const dry = flags["dry-run"];
    const { current } = dry
      ? withNew(readContexts(process.env))
      : await changeContexts(process.env, withNew);
    if (flags.use && !dry) noteWhatGoesBefore(name, process.env);
    const json = { added: name, replaced, current: current ?? null };
    const verb = replaced ? "replace" : "add";
    const done = dry ? `would ${verb}` : `${verb.replace(/e$/, "")}ed`;
    const using = current === name ? ", in use" : "";
    if (flags.json) await writeOut(jsonText(dry ? { dry_run: true, ...json } : json));
    else await writeOut(`${done} context ${name}${using}\n`);
  }
}
