import { BaseCommand } from "../cli/base-command.ts";
import { leaseFlags } from "../cli/flags.ts";
import { leaseInput } from "../cli/lease-input.ts";
import { isoTime, timeText } from "../cli/lease-output.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { pauseOrAbort } from "../cli/pause.ts";
import { exportLine } from "../cli/shell-words.ts";
import { parseTimeLimit, parseTtlSeconds } from "../cli/values.ts";

export default class KeepAlive extends BaseCommand {
  static override summary = "Move the end of a lease";
  static override description =
    "The lease then ends --ttl from now. Exit code 6: the lease is lost; stop what it guarded.";
  static override examples = [
    "<%= config.bin %> keepalive --ttl 1m",
    "<%= config.bin %> keepalive --ttl 30s --every 10s",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...leaseFlags,
    ttl: Flags.string({ description: "lease time from now on", default: "30s" }),
    every: Flags.string({ description: "keep renewing at this pace until interrupted or lost" }),
    output: Flags.string({ char: "o", options: ["json", "text", "env"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(KeepAlive);
    const { flags, args } = parsed;
    const lease = leaseInput(flags, args.key, { env: process.env, txn: "optional" });
    const ttlSeconds = parseTtlSeconds(flags.ttl, "--ttl");
    const everyMs = flags.every === undefined ? 0 : parseTimeLimit(flags.every, "--every");
    const output = flags.json ? "json" : flags.output;
    const signal = this.interruptible();
    await this.withConnection(parsed, async ({ lockd }) => {
      do {
        const call = { signal, correlationId: this.correlationId };
        const { expiresAtUnix } = await lockd.keepAlive({ ...lease, ttlSeconds }, call);
        await writeOut(rendered(expiresAtUnix, output, everyMs > 0));
      } while (everyMs > 0 && (await pauseOrAbort(everyMs, signal)));
    });
  }
}

function rendered(expiresAtUnix: number, output: string, repeated: boolean): string {
  if (output === "env") return `${exportLine("LOCKD_CLIENT_EXPIRES_UNIX", expiresAtUnix)}\n`;
  if (output === "text") return `expires_at_unix: ${timeText(expiresAtUnix)}\n`;
  const value = { expires_at_unix: expiresAtUnix, expires_at_iso: isoTime(expiresAtUnix) };
  return repeated ? `${JSON.stringify(value)}\n` : jsonText(value);
}
