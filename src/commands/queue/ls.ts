import type { QueueSummary } from "../../api/queues.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { jsonText, writeOut, writeTable } from "../../cli/output.ts";
import { counted } from "../../cli/queue/counted.ts";
import { queueFlags, textOrJson } from "../../cli/queue/queue-flags.ts";
import { queueNamespace } from "../../cli/queue/queue-input.ts";
import { columns } from "../../cli/queue/table-text.ts";
import { spanText } from "../../cli/status-text.ts";

export default class QueueLs extends BaseCommand {
  static override summary = "List the queues, how many messages they hold, and how old";
  static override description =
    "ready: to be taken now; delayed: later; in flight: in a consumer's hands; dead: dead " +
    "letters. 5+: at least 5; without a server 100000 records are counted in one call.";
  static override hiddenAliases = ["q:ls", "queue:list"];
  static override examples = [
    "<%= config.bin %> queue ls",
    "<%= config.bin %> queue ls -n orders --json",
  ];
  static override flags = { namespace: queueFlags.namespace, output: textOrJson };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(QueueLs);
    const { flags } = parsed;
    const namespace = queueNamespace(flags, process.env);
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const all: QueueSummary[] = [];
      let cursor: string | undefined;
      do {
        const page = await lockd.queues.list({ namespace, cursor }, call);
        all.push(...page.queues);
        cursor = page.cursor;
      } while (cursor !== undefined);
      const asJson = flags.json || flags.output === "json";
      if (asJson) await writeOut(jsonText(all.map(summaryJson)));
      else await writeTable(tableText(all), "no queue has messages");
    });
  }
}

function summaryJson(summary: QueueSummary) {
  return {
    namespace: summary.namespace,
    queue: summary.queue,
    ready: summary.ready,
    delayed: summary.delayed,
    in_flight: summary.inFlight,
    dead: summary.dead,
    oldest_age_seconds: summary.oldestAgeSeconds,
    at_least: summary.atLeast,
  };
}

function tableText(queues: readonly QueueSummary[]): string {
  if (queues.length === 0) return "";
  const head = ["NAMESPACE", "QUEUE", "READY", "DELAYED", "IN FLIGHT", "DEAD", "OLDEST"];
  const rows = queues.map((one) => [
    one.namespace,
    one.queue,
    counted(one, "ready"),
    counted(one, "delayed"),
    counted(one, "inFlight"),
    counted(one, "dead"),
    one.oldestAgeSeconds === undefined ? "-" : spanText(one.oldestAgeSeconds * 1000),
  ]);
  return columns([head, ...rows]);
}
