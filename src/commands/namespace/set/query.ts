import { BaseCommand } from "../../../cli/base-command.ts";
import { keyFlags } from "../../../cli/flags.ts";
import { firstGiven } from "../../../cli/lease-input.ts";
import { Flags } from "../../../cli/oclif.ts";
import { writeOut } from "../../../cli/output.ts";
import { namespaceConfigText } from "../../../cli/query/config-text.ts";
import { UsageError } from "../../../cli/usage-error.ts";

export default class NamespaceSetQuery extends BaseCommand {
  static override summary = "Choose how a namespace is searched";
  static override description =
    "What is not named stays as it is. Holds on every node within 250 ms.";
  static override hiddenAliases = ["ns:set:query"];
  static override examples = [
    "<%= config.bin %> namespace set query -n orders --preferred index --fallback scan",
    '<%= config.bin %> namespace set query --preferred scan --if-match "$ETAG"',
  ];
  static override flags = {
    namespace: keyFlags.namespace,
    preferred: Flags.string({
      options: ["index", "scan"],
      description: "engine of queries that name none",
    }),
    fallback: Flags.string({
      options: ["scan", "none"],
      description: "what to do when the preferred one is not available",
    }),
    "if-match": Flags.string({ description: "only when the configuration has this etag" }),
    output: Flags.string({ char: "o", options: ["json", "text"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(NamespaceSetQuery);
    const { flags } = parsed;
    if (flags.preferred === undefined && flags.fallback === undefined) {
      throw new UsageError("nothing to change; give --preferred, --fallback or both");
    }
    const request = {
      namespace: firstGiven(flags.namespace),
      query: { preferredEngine: flags.preferred, fallbackEngine: flags.fallback },
      ifMatch: firstGiven(flags["if-match"]),
    };
    await this.withConnection(parsed, async ({ lockd }) => {
      const call = { correlationId: this.correlationId };
      const config = await lockd.queries.setNamespaceConfig(request, call);
      const asJson = flags.json || flags.output === "json";
      await writeOut(namespaceConfigText(config, asJson ? "json" : "text"));
    });
  }
}
