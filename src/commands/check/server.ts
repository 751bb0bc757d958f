import {
  CheckCommand,
  type Probe,
  thresholdFlags,
  thresholdsOf,
} from "../../cli/check/check-command.ts";
import type { CheckStatus } from "../../cli/check/check-result.ts";
import { keyFlags } from "../../cli/flags.ts";
import { firstGiven } from "../../cli/lease-input.ts";
import { Flags } from "../../cli/oclif.ts";

export default class CheckServer extends CheckCommand {
  static override summary = "Probe for monitoring: does lockd answer, and how fast";
  static override description =
    "One line with performance data; exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Metrics: " +
    "latency (milliseconds), held, waiters. What does not answer within --timeout (5s) is " +
    "CRITICAL, a server that shuts down a WARNING. --write takes and gives back a lease of the " +
    "key lockd-check/HOSTNAME, so that a full or read-only store is found too.";
  static override examples = [
    "<%= config.bin %> check server -s http://127.0.0.1:9341 --warning 100 --critical 1000",
    "<%= config.bin %> check server --write --warning waiters=100 --json",
  ];
  static override flags = {
    namespace: keyFlags.namespace,
    write: Flags.boolean({ description: "take and give back a lease" }),
    ...thresholdFlags,
  };
  protected override readonly unreachable: CheckStatus = "CRITICAL";

  protected override async plan(): Promise<Probe> {
    const { flags, raw } = await this.parse(CheckServer);
    const { serverFacts, serverMetrics } = await import("../../cli/check/server-facts.ts");
    const probe = { namespace: firstGiven(flags.namespace), write: flags.write };
    return {
      flags,
      raw,
      thresholds: thresholdsOf(flags, serverMetrics),
      look: (lockd, call) => serverFacts(lockd, probe, call),
    };
  }
}
