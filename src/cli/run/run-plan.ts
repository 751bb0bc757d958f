import { closeTimeoutOf } from "../close-timeout.ts";
import { UsageError } from "../usage-error.ts";
import { parseBlockSeconds, parseTimeLimit, parseTtlSeconds } from "../values.ts";
import { parseCommitOn } from "./commit-rule.ts";
import { type LeaseTiming, leaseTiming, runTtlSecondsMin } from "./lease-timing.ts";

export interface RunPlan {
  readonly acquire: { readonly ttlSeconds: number; readonly blockSeconds: number };
  readonly timing: LeaseTiming;
  readonly commits: (exitCode: number) => boolean;
  readonly closeTimeoutMs: number;
}

interface RunFlags {
  readonly wait?: string | undefined;
  readonly noWait: boolean;
  readonly ttl: string;
  readonly "commit-on": string;
  readonly "term-grace"?: string | undefined;
  readonly "close-timeout"?: string | undefined;
}

/** @throws UsageError */
export function runPlan(flags: RunFlags): RunPlan {
  const ttlSeconds = parseTtlSeconds(flags.ttl, "--ttl");
  if (ttlSeconds < runTtlSecondsMin) {
    throw new UsageError(
      `--ttl ${flags.ttl} leaves no room to renew and to stop the command; use ` +
        `${runTtlSecondsMin}s or more`,
    );
  }
  const grace = flags["term-grace"];
  const graceMs = grace === undefined ? undefined : parseTimeLimit(grace, "--term-grace");
  return {
    acquire: { ttlSeconds, blockSeconds: blockSeconds(flags) },
    timing: leaseTiming(ttlSeconds, graceMs),
    commits: parseCommitOn(flags["commit-on"]),
    closeTimeoutMs: closeTimeoutOf(flags["close-timeout"]),
  };
}

/** `--wait 0` means not at all, unlike `--block 0`, which existing scripts know as for ever. */
function blockSeconds(flags: RunFlags): number {
  if (flags.noWait) return -1;
  if (flags.wait === undefined) return 0;
  if (/^0\D*$/.test(flags.wait.trim())) return -1;
  try {
    return parseBlockSeconds(flags.wait);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`--wait "${flags.wait}" must be a duration such as 30s, or forever`);
  }
}

/**
 * The words before and after `--`.
 * @throws UsageError when there is no command
 */
export function splitCommand(
  words: readonly string[],
  verb = "run KEY",
): { readonly own: string[]; readonly command: string[] } {
  const end = words.indexOf("--");
  const command = end === -1 ? [] : words.slice(end + 1);
  if (command.length > 0) return { own: words.slice(0, end), command };
  const [name = "", ...rest] = words;
  const plain = rest.length > 0 && !words.some((word) => word.startsWith("-"));
  const [command_, place] = verb.split(" ");
  const given = name === "" || name.startsWith("-") ? place : name;
  const example = `${command_} ${given} -- ${plain ? rest.join(" ") : "./backup.sh --all"}`;
  throw new UsageError(
    `there is no command to run; write lockd ${verb} -- COMMAND [ARGUMENTS], for example ` +
      `lockd ${example}`,
  );
}
