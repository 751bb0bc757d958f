/** Redrive and purge: all dead letters of a queue, or those that are named. */
import { createInterface } from "node:readline/promises";
import { LockdError } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import type {
  DamagedLetter,
  DeadLetterChange,
  DeadLetterSelection,
  QueueAddress,
  Queues,
} from "../../api/queues.ts";
import { damagedLetters } from "../../client/queue/damaged-letters.ts";
import { note } from "../output.ts";
import { PartlyDone } from "../partly-done.ts";
import { Progress, type ProgressMode } from "../progress.ts";
import { abortLater } from "../run/abort-later.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Letters in one call: few enough that a bar moves and that a signal is obeyed soon, and enough
 * that calls cost little beside the work.
 */
const batchSize = 100;

/** Milliseconds that a call goes on after a signal, so that what it did can be told. */
const graceMs = 3_000;

export interface LetterWork {
  readonly kind: "redrive" | "purge";
  readonly address: QueueAddress;
  /** Undefined: all of the queue. */
  readonly chosen: readonly string[] | undefined;
  readonly progress: ProgressMode;
  /** Ends the work behind the call that runs. */
  readonly stop: AbortSignal;
  readonly correlationId: string | undefined;
}

/** Which letters the words of a command name. @throws UsageError */
export function chosenLetters(
  words: readonly string[],
  all: boolean,
): readonly string[] | undefined {
  if (all && words.length > 0) throw new UsageError("name messages, or --all, not both");
  if (!all && words.length === 0)
    throw new UsageError("name the messages (lockd queue dlq ls shows them), or --all");
  return all ? undefined : words;
}

/** How many were changed. @throws PartlyDone with what came in between */
export async function changeLetters(queues: Queues, work: LetterWork): Promise<number> {
  const { kind, address, chosen, progress: mode, stop } = work;
  const call = { signal: abortLater(stop, graceMs), correlationId: work.correlationId };
  const total = chosen?.length ?? (await deadIn(queues, address, mode, call));
  const progress = new Progress({ label: `${kind} ${address.queue}`, total, counted }, mode);
  const change = queues[kind].bind(queues);
  const damaged: DamagedLetter[] = [];
  let changed = 0;
  progress.start();
  try {
    for await (const step of steps(change, work, call)) {
      changed += step.changed;
      damaged.push(...step.damaged);
      progress.reach(changed);
    }
  } catch (cause) {
    const isUnsure = call.signal.aborted || (cause instanceof LockdError && cause.outcomeUnknown);
    if (changed === 0 && !isUnsure && !stop.aborted) throw cause;
    const goesOn = chosen === undefined;
    throw new PartlyDone({ cause, member: members[kind], count: changed, total, isUnsure, goesOn });
  } finally {
    progress.stop();
  }
  const cause = damagedLetters(address.queue ?? "", damaged);
  if (cause === undefined) return changed;
  const part = { member: members[kind], count: changed, total, isUnsure: false, goesOn: false };
  throw new PartlyDone({ cause, ...part });
}

const counted = "letters";

/** What each command calls its number. */
const members = { redrive: "redriven", purge: "purged" } as const;

/**
 * What each call did. Each letter that was there is met once: those that die again behind
 * our back are left, or a consumer that still fails would keep us here for ever.
 */
async function* steps(
  change: (request: DeadLetterSelection, call: LockdCall) => Promise<DeadLetterChange>,
  { address, chosen, stop }: LetterWork,
  ...[call]: [LockdCall]
): AsyncGenerator<DeadLetterChange> {
  if (chosen !== undefined) {
    for (const messageId of chosen) {
      stop.throwIfAborted();
      yield await change({ ...address, messageId }, call);
    }
    return;
  }
  let cursor: string | undefined;
  let more = false;
  do {
    stop.throwIfAborted();
    const step = await change({ ...address, all: true, limit: batchSize, cursor }, call);
    yield step;
    cursor = step.cursor;
    // A server of before gives no cursor, and goes on from the start.
    more = step.more && (cursor !== undefined || step.changed > 0);
  } while (more);
}

/** As the server counts them; undefined where nobody looks, or where it does not say. */
async function deadIn(
  queues: Queues,
  { namespace, queue }: QueueAddress,
  ...[mode, call]: [ProgressMode, LockdCall]
): Promise<number | undefined> {
  if (mode === "off") return undefined;
  // Only for the bar: what is wrong is told by the change itself.
  const page = await queues.list({ namespace, queue }, call).catch(() => undefined);
  const found = page?.queues.find((one) => one.queue === queue);
  return found?.atLeast?.includes("dead") === true ? undefined : found?.dead;
}

/** Asks a person; others have to say --yes. @throws UsageError, interrupted */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError("this cannot be undone; say --yes");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  note("nothing was changed");
  throw new UsageError("not confirmed");
}
