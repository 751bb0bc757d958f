import { failure } from "../api/errors.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { keyFlags } from "../cli/flags.ts";
import { keyInput } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";

export default class Describe extends BaseCommand {
  static override summary = "Show what is known of a key, without a lease";
  static override description =
    "Needs no lease, waits for nobody and changes nothing. Exit code 3: there is no such key. " +
    "lockd status tells more, for people.";
  static override examples = [
    "<%= config.bin %> describe orders",
    "<%= config.bin %> describe -k a -o text",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...keyFlags,
    output: Flags.string({ char: "o", options: ["json", "text"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Describe);
    const { flags, args } = parsed;
    const request = keyInput(flags, args.key, process.env);
    await this.withConnection(parsed, async ({ lockd }) => {
      const found = await lockd.describe(request, { correlationId: this.correlationId });
      if (found.updatedAtUnix === undefined) {
        throw failure("not_found", `${found.namespace}/${found.key} was never acquired`);
      }
      const value = {
        namespace: found.namespace,
        key: found.key,
        owner: found.owner,
        lease_id: found.leaseId,
        expires_at_unix: found.expiresAtUnix,
        version: found.version,
        state_etag: found.stateEtag,
        updated_at_unix: found.updatedAtUnix,
        metadata: found.metadata.queryHidden === true ? { query_hidden: true } : {},
      };
      const asJson = flags.json || flags.output === "json";
      await writeOut(asJson ? jsonText(value) : lines(value));
    });
  }
}

function lines(value: Readonly<Record<string, unknown>>): string {
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(
      ([name, field]) => `${name}: ${typeof field === "object" ? JSON.stringify(field) : field}\n`,
    )
    .join("");
}
