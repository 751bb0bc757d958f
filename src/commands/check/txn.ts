import {
  CheckCommand,
  type Probe,
  thresholdFlags,
  thresholdsOf,
} from "../../cli/check/check-command.ts";

export default class CheckTxn extends CheckCommand {
  static override summary = "Probe for monitoring: transactions that are old or in doubt";
  static override description =
    "One line with performance data; exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Metrics: " +
    "in-doubt (pending beyond its deadline, or decided and not applied everywhere), pending, " +
    "pending-age (seconds, of the oldest). Unless said otherwise any in doubt is a WARNING; a " +
    "damaged one is always CRITICAL.";
  static override examples = [
    "<%= config.bin %> check txn",
    "<%= config.bin %> check txn --critical in-doubt=10 --warning pending-age=300",
  ];
  static override flags = { ...thresholdFlags };

  protected override async plan(): Promise<Probe> {
    const { flags, raw } = await this.parse(CheckTxn);
    const { txnFacts, txnMetrics } = await import("../../cli/check/txn-facts.ts");
    // The last range of a metric counts: this one unless there is another.
    const warning = ["in-doubt=0", ...(flags.warning ?? [])];
    return {
      flags,
      raw,
      thresholds: thresholdsOf({ ...flags, warning }, txnMetrics),
      look: (lockd, call) => txnFacts(lockd, call),
    };
  }
}
