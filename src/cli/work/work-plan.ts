import { closeTimeoutOf } from "../close-timeout.ts";
import { Flags } from "../oclif.ts";
import { secondsInput, wholeInput } from "../queue/queue-input.ts";
import { UsageError } from "../usage-error.ts";
import { parseTimeLimit } from "../values.ts";
import type { WorkPlan } from "./worker-step.ts";

/** Commands at once, at most: each is a process, and a few open files of ours. */
const concurrencyMax = 256;

/** Milliseconds between SIGTERM and SIGKILL. */
const termGraceMsDefault = 5_000;

/** Flags of everything that runs a command for each message. */
export const workFlags = {
  concurrency: Flags.string({ description: "commands at once", default: "1" }),
  max: Flags.string({ description: "end after so many messages" }),
  "max-deliveries": Flags.string({
    description: "fail a message that was delivered more often, without running the command",
  }),
  "nack-delay": Flags.string({ description: "pause before a message is delivered again" }),
  "term-grace": Flags.string({
    description: "time between SIGTERM and SIGKILL; default 5s, and never longer than the lease",
  }),
  "payload-dir": Flags.string({ description: "where payloads are kept meanwhile" }),
} as const;

export const transactionFlag = Flags.boolean({
  description: "each message in a transaction, with all that its command sends and changes in it",
});

/** @throws UsageError */
export function transactionInput(
  flags: { readonly transaction?: boolean | undefined; readonly stateful?: boolean | undefined },
  ...[command]: [unknown]
): boolean {
  if (flags.transaction !== true) return false;
  if (command === undefined) throw new UsageError("--transaction needs a command to work in it");
  if (flags.stateful !== true) return true;
  throw new UsageError(
    "--stateful cannot be combined with --transaction: a state keeps what a failure leaves, and " +
      "a transaction leaves nothing; keep it under a key, with lockd acquire in the command",
  );
}

type WorkFlags = {
  readonly [Name in keyof typeof workFlags]?: string | undefined;
} & {
  readonly "idle-exit"?: string | undefined;
  readonly "close-timeout"?: string | undefined;
};

export interface WorkTerms {
  readonly plan: WorkPlan;
  readonly maxDeliveries: number;
  readonly nackDelaySeconds: number | undefined;
  readonly termGraceMs: number | undefined;
  /** undefined: a new one in the temp directory. */
  readonly payloadDirectory: string | undefined;
}

/** @throws UsageError */
export function workTerms(flags: WorkFlags): WorkTerms {
  const concurrency = wholeInput(flags.concurrency, "--concurrency", 1) ?? 1;
  if (concurrency > concurrencyMax) {
    throw new UsageError(`--concurrency may be ${concurrencyMax} at most`);
  }
  const durationOf = (name: "idle-exit" | "term-grace"): number | undefined => {
    const text = flags[name];
    return text === undefined ? undefined : parseTimeLimit(text, `--${name}`);
  };
  const termGraceMs = durationOf("term-grace");
  return {
    plan: {
      concurrency,
      max: wholeInput(flags.max, "--max", 1) ?? Infinity,
      idleExitMs: durationOf("idle-exit") ?? Infinity,
      closeTimeoutMs: closeTimeoutOf(flags["close-timeout"]),
      termGraceMs: termGraceMs ?? termGraceMsDefault,
    },
    maxDeliveries: wholeInput(flags["max-deliveries"], "--max-deliveries", 1) ?? Infinity,
    nackDelaySeconds: secondsInput(flags["nack-delay"], "--nack-delay"),
    termGraceMs,
    payloadDirectory: flags["payload-dir"],
  };
}
