import type { DamagedLetter, DeadLetter } from "../../../api/queues.ts";
import { BaseCommand } from "../../../cli/base-command.ts";
import { damagedText } from "../../../cli/damaged-text.ts";
import { Args, Flags } from "../../../cli/oclif.ts";
import { jsonText, note, writeOut, writeTable } from "../../../cli/output.ts";
import { letterJson, letterTable } from "../../../cli/queue/letter-text.ts";
import { queueFlags, textOrJson } from "../../../cli/queue/queue-flags.ts";
import { queueInput, wholeInput } from "../../../cli/queue/queue-input.ts";

export default class QueueDlqLs extends BaseCommand {
  static override summary = "List the messages of a queue that failed for good, oldest first";
  static override description =
    "A message ends here when its attempts or deliveries are used up. Its state stays with it. " +
    "A damaged one is named on stderr, and left as it is.";
  static override hiddenAliases = ["q:dlq:ls", "queue:dlq:list"];
  static override examples = [
    "<%= config.bin %> queue dlq ls jobs",
    "<%= config.bin %> queue dlq ls jobs --limit 1000 --json | jq -r '.[].message_id'",
  ];
  static override args = { queue: Args.string({ description: "the queue", ignoreStdin: true }) };
  static override flags = {
    ...queueFlags,
    limit: Flags.string({ description: "letters at most; default 100" }),
    output: textOrJson,
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(QueueDlqLs);
    const { flags, args } = parsed;
    const address = queueInput(flags, args.queue, process.env);
    const limit = wholeInput(flags.limit, "--limit", 1) ?? 100;
    const call = { signal: this.interruptible(), correlationId: this.correlationId };
    await this.withConnection(parsed, async ({ lockd }) => {
      const letters: DeadLetter[] = [];
      const damaged: DamagedLetter[] = [];
      let cursor: string | undefined;
      do {
        const left = Math.min(1_000, limit - letters.length - damaged.length);
        const page = await lockd.queues.deadLetters({ ...address, cursor, limit: left }, call);
        letters.push(...page.letters);
        damaged.push(...page.damaged);
        cursor = page.cursor;
      } while (cursor !== undefined && letters.length + damaged.length < limit);
      const asJson = flags.json || flags.output === "json";
      if (asJson) await writeOut(jsonText(letters.map(letterJson)));
      else await writeTable(letterTable(letters), `no dead letters in ${address.queue}`);
      if (cursor !== undefined) note(`there are more; see --limit`);
      const unreadable = damagedText(damaged.map(({ messageId: id, detail }) => ({ id, detail })));
      if (unreadable !== "") note(unreadable);
    });
  }
}
