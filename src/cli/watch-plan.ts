import type { ChangesRequest } from "../api/observation.ts";
import { firstGiven } from "./lease-input.ts";
import { UsageError } from "./usage-error.ts";
import { parseTimeLimit, parseWhole } from "./values.ts";

export interface WatchFlags {
  readonly key?: string | undefined;
  readonly namespace?: string | undefined;
  readonly prefix?: string | undefined;
  readonly messages?: string | undefined;
  readonly txn?: string | undefined;
  readonly all?: boolean | undefined;
  readonly "from-version"?: string | undefined;
  readonly after?: string | undefined;
  readonly count?: string | undefined;
  readonly for?: string | undefined;
}

export interface WatchPlan {
  readonly request: ChangesRequest;
  /** Events to show before it ends; undefined for no limit. */
  readonly count: number | undefined;
  readonly limitMs: number | undefined;
  /** True when commits are followed without a gap. */
  readonly keepsStates: boolean;
}

/** @throws UsageError unless exactly one thing is watched */
export function watchPlan(flags: WatchFlags, argument: string | undefined): WatchPlan {
  const key = firstGiven(argument, flags.key);
  const { prefix, messages: queue, txn } = flags;
  const subjects = [key, prefix, queue, txn, flags.all === true ? "all" : undefined];
  if (subjects.filter((subject) => subject !== undefined).length !== 1) {
    throw new UsageError("watch one of: a key, --prefix, --queue, --messages, --txn, --all");
  }
  const from = flags["from-version"];
  const keepsStates = key !== undefined || prefix !== undefined;
  if (from !== undefined && !keepsStates) {
    throw new UsageError("--from-version needs a key or --prefix");
  }
  return {
    request: {
      namespace: firstGiven(flags.namespace),
      key,
      prefix,
      queue,
      txnId: txn,
      after: firstGiven(flags.after),
      fromVersion: from === undefined ? undefined : parseWhole(from, "--from-version", 0),
    },
    count: flags.count === undefined ? undefined : parseWhole(flags.count, "--count", 1),
    limitMs: flags.for === undefined ? undefined : parseTimeLimit(flags.for, "--for"),
    keepsStates,
  };
}
