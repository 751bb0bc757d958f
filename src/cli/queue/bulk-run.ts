import type { LockdCall } from "../../api/lockd.ts";
import type { EnqueueResult, QueueAddress, Queues } from "../../api/queues.ts";
import { commandInput } from "../input.ts";
import { Flags } from "../oclif.ts";
import { note, writeOut } from "../output.ts";
import { UsageError } from "../usage-error.ts";
import { bulkEnqueue, bulkParallelMax } from "./bulk-enqueue.ts";
import { enqueueJson, type MessageTerms } from "./enqueue-input.ts";
import { wholeInput } from "./queue-input.ts";

/** Milliseconds between two notes of how far it is; only to a terminal. */
const progressMs = 1_000;

export const bulkFlags = {
  jsonl: Flags.string({ description: "many messages: file of JSON objects, one a line, - stdin" }),
  parallel: Flags.string({
    description: "lines under way at once; above 1 the order is only roughly that of the file",
  }),
  "continue-on-error": Flags.boolean({ description: "go on behind a line that fails" }),
} as const;

interface BulkRunFlags {
  readonly jsonl?: string | undefined;
  readonly data?: string | undefined;
  readonly file?: string | undefined;
  readonly parallel?: string | undefined;
  readonly "continue-on-error"?: boolean | undefined;
}

interface BulkRunParts {
  readonly queues: Queues;
  readonly address: QueueAddress;
  readonly defaults: MessageTerms;
  readonly call: LockdCall;
  /** One answer a line on standard output. */
  readonly asJson: boolean;
}

/** Enqueues the file and tells what came of it. @throws the first failure */
export async function runBulk(flags: BulkRunFlags, parts: BulkRunParts): Promise<void> {
  if (flags.data !== undefined || flags.file !== undefined) {
    throw new UsageError("--jsonl holds the payloads; leave --data and --file out");
  }
  const parallel = wholeInput(flags.parallel, "--parallel", 1) ?? 1;
  if (parallel > bulkParallelMax) {
    throw new UsageError(`--parallel may be ${bulkParallelMax} at most`);
  }
  let done = 0;
  const tell = (): void => note(`${done} enqueued`);
  const progress = process.stderr.isTTY ? setInterval(tell, progressMs) : undefined;
  try {
    const { enqueued, failed, error } = await bulkEnqueue(commandInput(flags.jsonl).stream(), {
      ...parts,
      parallel,
      continueOnError: flags["continue-on-error"] === true,
      done: async (result: EnqueueResult) => {
        done += 1;
        if (parts.asJson) await writeOut(`${JSON.stringify(enqueueJson(result))}\n`);
      },
      failed: (line, reason) =>
        note(`line ${line}: ${reason instanceof Error ? reason.message : String(reason)}`),
    });
    const summary = `enqueued=${enqueued} failed=${failed}`;
    if (parts.asJson || error !== undefined) note(summary);
    else await writeOut(`${summary}\n`);
    if (error !== undefined) throw error;
  } finally {
    clearInterval(progress);
  }
}
