/** `lockd enqueue --jsonl`: many messages, one a line. */
import { LockdError } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import type { EnqueueResult, QueueAddress, Queues } from "../../api/queues.ts";
import { UsageError } from "../usage-error.ts";
import type { MessageTerms } from "./enqueue-input.ts";
import { inputLines } from "./input-lines.ts";
import { parseMessageLine } from "./message-line.ts";

/** Enqueues under way at once, at most. */
export const bulkParallelMax = 64;

export interface BulkParts {
  readonly queues: Pick<Queues, "enqueue">;
  readonly address: QueueAddress;
  readonly defaults: MessageTerms;
  readonly call: LockdCall;
  readonly parallel: number;
  readonly continueOnError: boolean;
  /** In the order of the lines when `parallel` is 1. */
  readonly done: (result: EnqueueResult) => Promise<void>;
  readonly failed: (line: number, error: unknown) => void;
}

export interface BulkSummary {
  readonly enqueued: number;
  readonly failed: number;
  /** The first failure; what the exit code tells. */
  readonly error: unknown;
}

/** Stops at the first failure unless told otherwise; what was enqueued before stays. */
export async function bulkEnqueue(
  source: AsyncIterable<Uint8Array>,
  parts: BulkParts,
): Promise<BulkSummary> {
  const lines = inputLines(source);
  let enqueued = 0;
  let failed = 0;
  let first: unknown;
  const worker = async (): Promise<void> => {
    for (;;) {
      if (first !== undefined && !parts.continueOnError) return;
      const next = await lines.next();
      if (next.done === true) return;
      const { text, number } = next.value;
      try {
        const { payload, terms } = parseMessageLine(text, parts.defaults);
        const request = { ...parts.address, ...terms };
        const result = await parts.queues.enqueue(request, payload, parts.call);
        enqueued += 1;
        await parts.done(result);
      } catch (error) {
        // Told to stop, or broken: no line's own fault.
        if (!(error instanceof LockdError) || error.code === "interrupted") throw error;
        failed += 1;
        first ??= lineError(number, error);
        parts.failed(number, error);
      }
    }
  };
  await Promise.all(Array.from({ length: parts.parallel }, worker));
  return { enqueued, failed, error: first };
}

function lineError(line: number, error: LockdError): LockdError {
  if (!(error instanceof UsageError)) return error;
  return new UsageError(`line ${line}: ${error.message}`, error);
}
