/** Flags of the dashboard, and what they come to. */
import { Flags } from "../oclif.ts";
import { UsageError } from "../usage-error.ts";
import { parseTimeLimit } from "../values.ts";

export const dashboardFlags = {
  namespace: Flags.string({
    char: "n",
    multiple: true,
    env: "LOCKD_CLIENT_NAMESPACE",
    description: "only this namespace; may be given several times",
  }),
  queue: Flags.string({
    multiple: true,
    description: "only this queue; may be given several times",
  }),
  refresh: Flags.string({
    default: "2s",
    description: "time between two looks, at least 250ms",
  }),
  write: Flags.boolean({
    description: "allow release, redrive and purge, each after a question",
    exclusive: ["readonly"],
  }),
  readonly: Flags.boolean({ description: "change nothing; this is the default" }),
  "screen-reader": Flags.boolean({
    env: "LOCKD_SCREEN_READER",
    description: "sentences instead of tables, for screen readers",
  }),
} as const;

export interface DashboardFlags {
  readonly namespace?: readonly string[] | undefined;
  readonly queue?: readonly string[] | undefined;
  readonly refresh: string;
  readonly write?: boolean | undefined;
}

export interface DashboardSettings {
  readonly namespaces: readonly string[];
  readonly queues: readonly string[];
  readonly refreshMs: number;
  readonly writable: boolean;
}

/** @throws UsageError naming the flag */
export function dashboardSettings(flags: DashboardFlags, refreshMsMin: number): DashboardSettings {
  const refreshMs = parseTimeLimit(flags.refresh, "--refresh");
  if (refreshMs < refreshMsMin) {
    throw new UsageError(`--refresh ${flags.refresh} is too often; at least ${refreshMsMin}ms`);
  }
  const names = (list: readonly string[] = []): readonly string[] =>
    list.flatMap((text) => text.split(",")).map((name) => name.trim().toLowerCase());
  return {
    namespaces: names(flags.namespace).filter((name) => name !== ""),
    queues: names(flags.queue).filter((name) => name !== ""),
    refreshMs,
    writable: flags.write === true,
  };
}

/** @throws UsageError when there is nobody to look at it */
export function needTerminal(instead: string): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new UsageError(`the dashboard needs a terminal; without one use ${instead}`);
}
