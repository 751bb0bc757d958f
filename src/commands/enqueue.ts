import { BaseCommand } from "../cli/base-command.ts";
import { commandInput } from "../cli/input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { bulkFlags, runBulk } from "../cli/queue/bulk-run.ts";
import {
  enqueueFlags,
  enqueueJson,
  enqueueTerms,
  enqueueText,
} from "../cli/queue/enqueue-input.ts";
import { queueFlags, textOrJson } from "../cli/queue/queue-flags.ts";
import { namedQueue } from "../cli/queue/queue-input.ts";
import { ownTxnId } from "../cli/work/own-transaction.ts";

export default class Enqueue extends BaseCommand {
  static override summary = "Put a message, or many, into a queue";
  static override description =
    "When it ends with 0 the message is on disk and will be delivered at least once; with " +
    "--txn-id nobody sees it before `lockd txn commit`, and a rollback deletes it. --jsonl " +
    "reads one JSON object a line: payload or payload_base64, content_type, delay, visibility, " +
    "ttl, max_attempts, max_deliveries, priority, group, dedupe_key, dedupe_window, attributes.";
  static override hiddenAliases = ["queue:enqueue", "q:enqueue"];
  static override examples = [
    "<%= config.bin %> enqueue jobs -d '{\"id\": 7}' --content-type application/json",
    "<%= config.bin %> enqueue -q jobs -f photo.jpg --attr size=large --delay 5m",
    "<%= config.bin %> enqueue jobs -d hello --dedupe-key order-7",
    "<%= config.bin %> enqueue jobs -d hello --txn-id $LOCKD_CLIENT_TXN_ID",
    "<%= config.bin %> enqueue jobs --jsonl jobs.jsonl --parallel 16",
  ];
  static override args = { queue: Args.string({ description: "the queue", ignoreStdin: true }) };
  static override flags = {
    queue: Flags.string({ char: "q", description: "the queue, also as the first argument" }),
    namespace: queueFlags.namespace,
    data: Flags.string({ char: "d", description: "the payload itself" }),
    file: Flags.string({ char: "f", description: "file with the payload, - for stdin" }),
    ...bulkFlags,
    ...enqueueFlags,
    output: textOrJson,
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Enqueue);
    const { flags, args } = parsed;
    const address = namedQueue(flags, args.queue, process.env);
    const given = enqueueTerms(flags);
    const terms = { ...given, txnId: given.txnId ?? ownTxnId(process.env) };
    const asJson = flags.json || flags.output === "json";
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd: { queues } }) => {
      if (flags.jsonl !== undefined) {
        await runBulk(flags, { queues, address, defaults: terms, call, asJson });
        return;
      }
      const payload =
        flags.file === undefined
          ? Buffer.from(flags.data ?? "")
          : commandInput(flags.file).stream();
      const result = await queues.enqueue({ ...address, ...terms }, payload, call);
      await writeOut(asJson ? jsonText(enqueueJson(result)) : enqueueText(result));
    });
  }
}
