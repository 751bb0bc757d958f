import {
  CheckCommand,
  type Probe,
  thresholdFlags,
  thresholdsOf,
} from "../../cli/check/check-command.ts";
import { Args } from "../../cli/oclif.ts";
import { queueFlags } from "../../cli/queue/queue-flags.ts";
import { queueInput } from "../../cli/queue/queue-input.ts";

export default class CheckQueue extends CheckCommand {
  static override summary = "Probe for monitoring: how full a queue is, and how old";
  static override description =
    "One line with performance data; exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Metrics: " +
    "ready, age (seconds since the oldest ready message was enqueued), in-flight, delayed, dead. " +
    "A range without a name is of ready. A queue nobody has used is empty.";
  static override examples = [
    "<%= config.bin %> check queue jobs --warning 100 --critical 1000",
    "<%= config.bin %> check queue jobs --warning age=60 --critical age=600 --critical dead=0",
    "<%= config.bin %> check queue jobs -n orders -w in-flight=1: --json",
  ];
  static override args = { queue: Args.string({ description: "the queue", ignoreStdin: true }) };
  static override flags = { ...queueFlags, ...thresholdFlags };

  protected override async plan(): Promise<Probe> {
    const { flags, args, raw } = await this.parse(CheckQueue);
    const { queueFacts, queueMetrics } = await import("../../cli/check/queue-facts.ts");
    const probe = queueInput(flags, args.queue, process.env);
    return {
      flags,
      raw,
      thresholds: thresholdsOf(flags, queueMetrics),
      look: (lockd, call) => queueFacts(lockd, probe, call),
    };
  }
}
