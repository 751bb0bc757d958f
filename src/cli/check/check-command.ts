/** What the probes share: thresholds, one line on stdout, and the exit codes of monitoring. */
import { exitCodes } from "../../api/error-registry.ts";
import type { Lockd, LockdCall } from "../../api/lockd.ts";
import { BaseCommand } from "../base-command.ts";
import type { ConnectFlags } from "../connect.ts";
import { failureReport } from "../failure-report.ts";
import { Flags } from "../oclif.ts";
import { jsonText, writeOut } from "../output.ts";
import { parseFailure } from "../parse-failure.ts";
import { UsageError } from "../usage-error.ts";
import { parseTimeLimit } from "../values.ts";
import {
  type CheckFacts,
  type CheckResult,
  type CheckStatus,
  checkExit,
  checkJson,
  checkLine,
  judge,
  type Thresholds,
} from "./check-result.ts";
import { parseRange, type Range } from "./range.ts";

/** A probe must be over before whoever runs it loses patience (10 s in most installations). */
const timeoutDefault = "5s";

/** An answer that needed retries is worth knowing. */
const retriesDefault = "-1";

export const thresholdFlags = {
  warning: Flags.string({
    char: "w",
    multiple: true,
    description: "range that is fine, else WARNING: RANGE or METRIC=RANGE; repeatable",
  }),
  critical: Flags.string({
    multiple: true,
    description: "range that is fine, else CRITICAL: RANGE or METRIC=RANGE; repeatable",
  }),
} as const;

/** What is said with the flags above; a range without a name is of the first metric. */
export function thresholdsOf(
  flags: {
    readonly warning?: readonly string[] | undefined;
    readonly critical?: readonly string[] | undefined;
  },
  metrics: readonly string[],
): Thresholds {
  return {
    warning: rangesOf(flags.warning ?? [], "--warning", metrics),
    critical: rangesOf(flags.critical ?? [], "--critical", metrics),
  };
}

function rangesOf(
  texts: readonly string[],
  what: string,
  metrics: readonly string[],
): ReadonlyMap<string, Range> {
  return new Map(
    texts.map((text) => {
      const at = text.indexOf("=");
      const name = at === -1 ? (metrics[0] ?? "") : text.slice(0, at).trim();
      if (!metrics.includes(name)) {
        throw new UsageError(`${what} ${text}: the metrics are ${metrics.join(", ")}`);
      }
      return [name, parseRange(text.slice(at + 1), what)];
    }),
  );
}

export interface Probe {
  readonly flags: ConnectFlags & { readonly json?: boolean | undefined };
  readonly raw: readonly unknown[];
  readonly thresholds: Thresholds;
  readonly look: (lockd: Lockd, call: LockdCall) => Promise<CheckFacts>;
}

/**
 * A probe. It always says one line on stdout and ends with 0, 1, 2 or 3: what went wrong with the
 * probe itself is UNKNOWN, or CRITICAL where `unreachable` says that reaching it is the question.
 */
export abstract class CheckCommand extends BaseCommand {
  protected readonly unreachable: CheckStatus = "UNKNOWN";

  /** Loads nothing before the flags are known to be right. */
  protected abstract plan(): Promise<Probe>;

  protected override async run(): Promise<void> {
    const { flags, raw, thresholds, look } = await this.plan();
    const timeout = flags.timeout ?? timeoutDefault;
    const retries = flags.retries ?? retriesDefault;
    const reach = { raw, flags: { ...flags, timeout, retries } };
    const limitMs = parseTimeLimit(timeout, "--timeout");
    const call = { correlationId: this.correlationId, timeoutMs: limitMs || undefined };
    const facts = await this.withConnection(reach, ({ lockd }) => look(lockd, call));
    await print(judge(this.#name, facts, thresholds), flags.json === true);
  }

  protected override async tell(error: unknown): Promise<void> {
    const report = failureReport(parseFailure(error, this.context.id));
    const status = report.exitCode === exitCodes.usage ? "UNKNOWN" : this.unreachable;
    const [line = ""] = report.text.replace(/^lockd: /, "").split("\n");
    const result: CheckResult = { check: this.#name, status, text: line, metrics: [] };
    await print(result, this.argv.includes("--json")).catch(() => {});
    process.exitCode = checkExit[status];
  }

  get #name(): string {
    return this.context.id.split(":").at(-1) ?? "";
  }
}

async function print(result: CheckResult, asJson: boolean): Promise<void> {
  process.exitCode = checkExit[result.status];
  await writeOut(asJson ? jsonText(checkJson(result)) : checkLine(result));
}
