import { BaseCommand } from "../../../cli/base-command.ts";
import { destructiveFlags } from "../../../cli/dry-run/destructive-flags.ts";
import { wouldChangeLetters, wouldChangeText } from "../../../cli/dry-run/would-change-letters.ts";
import { Args, Flags } from "../../../cli/oclif.ts";
import { jsonText, note, writeOut } from "../../../cli/output.ts";
import { progressFlag, progressMode } from "../../../cli/progress.ts";
import { changeLetters, chosenLetters } from "../../../cli/queue/change-letters.ts";
import { queueFlags, textOrJson } from "../../../cli/queue/queue-flags.ts";
import { queueInput } from "../../../cli/queue/queue-input.ts";
import { damagedLetters } from "../../../client/queue/damaged-letters.ts";

export default class QueueDlqRedrive extends BaseCommand {
  static override summary = "Put dead letters back into their queue, with fresh counters";
  static override usage = "queue dlq redrive QUEUE [MESSAGE...] [FLAGS]";
  static override description = "Name the messages, or --all of the queue.";
  static override hiddenAliases = ["q:dlq:redrive"];
  static override examples = [
    "<%= config.bin %> queue dlq redrive jobs 019301d0-7a5e-7f3a-9b1c-2f9e6a0c4d11",
    "<%= config.bin %> queue dlq redrive jobs --all --dry-run",
    "<%= config.bin %> queue dlq redrive jobs --all",
  ];
  static override strict = false;
  static override args = {
    queue: Args.string({ description: "the queue", required: true, ignoreStdin: true }),
  };
  static override flags = {
    namespace: queueFlags.namespace,
    all: Flags.boolean({ description: "all dead letters of the queue" }),
    ...destructiveFlags,
    ...progressFlag,
    output: textOrJson,
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(QueueDlqRedrive);
    const { flags, args } = parsed;
    const address = queueInput(flags, args.queue, process.env);
    const chosen = chosenLetters((parsed.argv as string[]).slice(1), flags.all);
    const { correlationId } = this;
    const signal = this.interruptible();
    await this.withConnection(parsed, async ({ lockd: { queues } }) => {
      const asJson = flags.json || flags.output === "json";
      if (flags["dry-run"]) {
        const call = { signal, correlationId };
        const would = await wouldChangeLetters(queues, address, chosen, call);
        await writeOut(wouldChangeText(would, "redriven", asJson));
        const unreadable = damagedLetters(address.queue, would.damaged);
        if (unreadable !== undefined) note(unreadable.detail);
        return;
      }
      const isTerminal = process.stderr.isTTY;
      const progress = progressMode(flags.progress, { isTerminal, json: flags.json });
      const work = { kind: "redrive", address, chosen, progress, stop: signal } as const;
      const redriven = await changeLetters(queues, { ...work, correlationId });
      await writeOut(asJson ? jsonText({ redriven }) : `redriven=${redriven}\n`);
    });
  }
}
