import { BaseCommand } from "../../cli/base-command.ts";
import { keyFlags } from "../../cli/flags.ts";
import { firstGiven } from "../../cli/lease-input.ts";
import { Flags } from "../../cli/oclif.ts";
import { writeOut } from "../../cli/output.ts";
import { namespaceConfigText } from "../../cli/query/config-text.ts";

export default class NamespaceGet extends BaseCommand {
  static override summary = "Show how a namespace is searched";
  static override description =
    "Without an etag nothing was stored and the defaults of the store apply.";
  static override hiddenAliases = ["ns:get"];
  static override examples = [
    "<%= config.bin %> namespace get -n orders",
    "<%= config.bin %> namespace get -o text",
  ];
  static override flags = {
    namespace: keyFlags.namespace,
    output: Flags.string({ char: "o", options: ["json", "text"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(NamespaceGet);
    const { flags } = parsed;
    const namespace = firstGiven(flags.namespace);
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      const config = await lockd.queries.namespaceConfig({ namespace }, call);
      const asJson = flags.json || flags.output === "json";
      await writeOut(namespaceConfigText(config, asJson ? "json" : "text"));
    });
  }
}
