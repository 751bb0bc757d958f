import { BaseCommand } from "../cli/base-command.ts";
import { changeLines, writeChange } from "../cli/change-output.ts";
import { casFlags, leaseOnlyFlags } from "../cli/flags.ts";
import { casInput, leaseInput } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { sendState } from "../cli/send-state.ts";
import { type StateType, stateTypes } from "../cli/state-format.ts";

export default class Update extends BaseCommand {
  static override summary = "Stage a new state for a key you hold";
  static override description =
    "Reads JSON or YAML from INPUT or stdin. Nobody else sees the change before release.";
  static override examples = [
    "echo '{\"step\":2}' | <%= config.bin %> update",
    '<%= config.bin %> update state.yaml --if-version "$LOCKD_CLIENT_VERSION"',
    "<%= config.bin %> update --metadata-only --query-hidden",
  ];
  static override args = {
    input: Args.string({ description: "file, or - for stdin", ignoreStdin: true }),
  };
  static override flags = {
    ...leaseOnlyFlags,
    ...casFlags,
    type: Flags.string({
      options: [...stateTypes],
      default: "auto",
      description: "form of the input",
    }),
    "query-hidden": Flags.boolean({ allowNo: true, description: "hide the key from queries" }),
    "metadata-only": Flags.boolean({ description: "change only the metadata, read no input" }),
    output: Flags.string({ char: "o", options: ["json", "text", "env"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Update);
    const { flags, args } = parsed;
    const lease = leaseInput(flags, undefined, { env: process.env, txn: "required" });
    const request = { ...lease, ...casInput(flags), queryHidden: flags["query-hidden"] };
    const call = { correlationId: this.correlationId };
    const output = flags.json ? "json" : flags.output;
    await this.withConnection(parsed, async ({ lockd }) => {
      if (flags["metadata-only"]) {
        const { version } = await lockd.updateMetadata(request, call);
        await writeOut(
          output === "json" ? jsonText({ version }) : changeLines(output, { version }),
        );
        return;
      }
      const type = flags.type as StateType;
      const result = await sendState(lockd, { request, call, input: args.input, type });
      await writeChange(output, result);
    });
  }
}
