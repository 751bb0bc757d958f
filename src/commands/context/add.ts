import { failure } from "../../api/errors.ts";
import { BaseCommand, typedFlags } from "../../cli/base-command.ts";
import { changeContexts, contextName } from "../../cli/context/context-file.ts";
import { contextInput } from "../../cli/context/context-input.ts";
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
  ];
  static override args = {
    name: Args.string({ description: "name of the context", required: true, ignoreStdin: true }),
  };
  static override flags = {
    namespace: Flags.string({ char: "n", description: "namespace of keys that name none" }),
    force: Flags.boolean({ description: "replace the context of that name" }),
    use: Flags.boolean({ description: "use it from now on" }),
  };

  protected override async run(): Promise<void> {
    const { flags, args, raw } = await this.parse(ContextAdd);
    const name = contextName(args.name);
    const context = contextInput(flags, typedFlags(raw));
    const { current } = await changeContexts(process.env, (file) => {
      if (file.contexts.has(name) && !flags.force) {
        throw failure("already_there", `context "${name}" exists`);
      }
      const contexts = new Map(file.contexts).set(name, context);
      return { current: flags.use ? name : file.current, contexts };
    });
    const using = current === name ? ", in use" : "";
    if (flags.json) await writeOut(jsonText({ added: name, current: current ?? null }));
    else await writeOut(`added context ${name}${using}\n`);
  }
}
