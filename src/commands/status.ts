import { BaseCommand } from "../cli/base-command.ts";
import { keyFlags } from "../cli/flags.ts";
import { keyInput } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { statusJson, statusText } from "../cli/status-text.ts";

export default class Status extends BaseCommand {
  static override summary = "Show who holds a key, since when, and for how much longer";
  static override description =
    "Also the fencing token, the callers waiting, and the state's version.";
  static override examples = [
    "<%= config.bin %> status orders",
    "<%= config.bin %> status orders --json",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...keyFlags,
    output: Flags.string({ char: "o", options: ["text", "json"], default: "text" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Status);
    const { flags, args } = parsed;
    const request = keyInput(flags, args.key, process.env);
    await this.withConnection(parsed, async ({ lockd }) => {
      const status = await lockd.status(request, { correlationId: this.correlationId });
      const asJson = flags.json || flags.output === "json";
      await writeOut(asJson ? jsonText(statusJson(status)) : statusText(status));
    });
  }
}
