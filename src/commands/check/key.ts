import {
  CheckCommand,
  type Probe,
  thresholdFlags,
  thresholdsOf,
} from "../../cli/check/check-command.ts";
import { keyFlags } from "../../cli/flags.ts";
import { firstGiven, keyInput } from "../../cli/lease-input.ts";
import { Args, Flags } from "../../cli/oclif.ts";

export default class CheckKey extends CheckCommand {
  static override summary = "Probe for monitoring: who holds a key, and for how long";
  static override description =
    "One line with performance data; exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Metrics: " +
    "held-for and remaining (seconds), waiters. --expect held finds a service that is not " +
    "running, held-for=RANGE one that hangs.";
  static override examples = [
    "<%= config.bin %> check key nightly --warning 3600 --critical 7200",
    "<%= config.bin %> check key leader --expect held --owner 'web-*'",
    "<%= config.bin %> check key migration --expect free --json",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...keyFlags,
    expect: Flags.string({
      options: ["held", "free"],
      description: "what it should be, else CRITICAL",
    }),
    owner: Flags.string({
      description: "who should hold it, else CRITICAL; a * at the end stands for anything",
    }),
    ...thresholdFlags,
  };

  protected override async plan(): Promise<Probe> {
    const { flags, args, raw } = await this.parse(CheckKey);
    const { keyFacts, keyMetrics } = await import("../../cli/check/key-facts.ts");
    const { namespace, key = "" } = keyInput(flags, args.key, process.env);
    const probe = { namespace, key, expect: flags.expect, owner: firstGiven(flags.owner) };
    return {
      flags,
      raw,
      thresholds: thresholdsOf(flags, keyMetrics),
      look: (lockd, call) => keyFacts(lockd, probe, call),
    };
  }
}
