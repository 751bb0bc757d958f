import { firstGiven } from "../lease-input.ts";
import { Flags } from "../oclif.ts";
import { UsageError } from "../usage-error.ts";
import { parseTimeLimit } from "../values.ts";
import { queueInput, wholeInput } from "./queue-input.ts";
import type { WatchTerms } from "./watch-queue.ts";

/** What of `lockd watch` is about the head of a queue (cli.md 9.3). */
export const watchedQueueFlags = {
  queue: Flags.string({
    char: "q",
    description: "whether a queue has a message; JSON [env: LOCKD_QUEUE_NAME]",
  }),
  "until-available": Flags.boolean({ description: "with -q: end when there is a message" }),
  "wait-timeout": Flags.string({ description: "with -q: give up after so long, exit code 10" }),
} as const;

interface WatchedFlags {
  readonly queue?: string | undefined;
  readonly namespace?: string | undefined;
  readonly count?: string | undefined;
  readonly for?: string | undefined;
  readonly "until-available"?: boolean | undefined;
  readonly "wait-timeout"?: string | undefined;
  readonly output?: string | undefined;
  readonly json?: boolean | undefined;
}

export type WatchedQueue = Omit<WatchTerms, "signal" | "correlationId">;

/**
 * Undefined when something else is watched: `subjects` are what may be given instead. A queue in
 * the environment counts only when nothing is named.
 * @throws UsageError
 */
export function watchedQueue(
  flags: WatchedFlags,
  subjects: readonly (string | boolean | undefined)[],
  env: NodeJS.ProcessEnv,
): WatchedQueue | undefined {
  const isNamed = subjects.some((subject) => subject !== undefined && subject !== false);
  const named = firstGiven(flags.queue);
  if (named !== undefined && isNamed) {
    throw new UsageError("watch one of: a key, --prefix, --queue, --messages, --txn, --all");
  }
  const waitTimeout = flags["wait-timeout"] ?? flags.for;
  if (isNamed || firstGiven(named, env.LOCKD_QUEUE_NAME) === undefined) {
    if (flags["until-available"] !== true && flags["wait-timeout"] === undefined) return undefined;
    throw new UsageError("--until-available and --wait-timeout need --queue");
  }
  return {
    address: queueInput(flags, undefined, env),
    count: wholeInput(flags.count, "--count", 1),
    untilAvailable: flags["until-available"] === true,
    waitTimeoutMs:
      waitTimeout === undefined ? undefined : parseTimeLimit(waitTimeout, "--wait-timeout"),
    asText: flags.output === "text" && flags.json !== true,
  };
}
