import type { ExtendResult } from "../api/queues.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { metaEtagLine } from "../cli/queue/delivery-output.ts";
import { deliveryFlags } from "../cli/queue/queue-flags.ts";
import { deliveryInput, secondsInput } from "../cli/queue/queue-input.ts";

export default class Extend extends BaseCommand {
  static override summary = "Keep a message for longer";
  static override description =
    "Changes the message's etag: with eval and --output env later commands know the new one. " +
    "Exit code 6: the message is no longer in our hands; stop working on it.";
  static override hiddenAliases = ["queue:extend", "q:extend"];
  static override examples = [
    'eval "$(<%= config.bin %> extend --extend 5m --output env)"',
    "<%= config.bin %> extend --json",
  ];
  static override flags = {
    ...deliveryFlags,
    extend: Flags.string({ description: "from now on; default: its time again" }),
    output: Flags.string({ char: "o", options: ["text", "json", "env"], default: "text" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Extend);
    const { flags } = parsed;
    const request = {
      ...deliveryInput(flags, process.env),
      extendBySeconds: secondsInput(flags.extend, "--extend"),
    };
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const result = await lockd.queues.extend(request, call);
      await writeOut(rendered(result, flags.json ? "json" : flags.output));
    });
  }
}

function rendered(result: ExtendResult, output: string): string {
  const { leaseExpiresAtUnix, visibilityTimeoutSeconds, metaEtag } = result;
  if (output === "env") return metaEtagLine(metaEtag);
  if (output === "text") {
    const expires = `lease_expires_at_unix=${leaseExpiresAtUnix}`;
    return `${expires} visibility_timeout_seconds=${visibilityTimeoutSeconds}\n`;
  }
  return jsonText({
    lease_expires_at_unix: leaseExpiresAtUnix,
    visibility_timeout_seconds: visibilityTimeoutSeconds,
    meta_etag: metaEtag,
    state_lease_expires_at_unix: result.stateLeaseExpiresAtUnix,
    correlation_id: result.correlationId,
  });
}
