/** Redrive and purge: all dead letters of a queue, or those that are named. */
import { createInterface } from "node:readline/promises";
import type { LockdCall } from "../../api/lockd.ts";
import type { DeadLetterChange, DeadLetterSelection, QueueAddress } from "../../api/queues.ts";
import { note } from "../output.ts";
import { UsageError } from "../usage-error.ts";

export type LetterChange = (
  request: DeadLetterSelection,
  call: LockdCall,
) => Promise<DeadLetterChange>;

/** Which letters the words of a command name. @throws UsageError */
export function chosenLetters(
  words: readonly string[],
  all: boolean,
): readonly string[] | undefined {
  if (all && words.length > 0) throw new UsageError("name messages, or --all, not both");
  if (!all && words.length === 0) throw new UsageError("name the messages, or --all");
  return all ? undefined : words;
}

/** How many were changed; all as far as they go when none are named. */
export async function changeLetters(
  change: LetterChange,
  address: QueueAddress,
  ...[chosen, call]: [readonly string[] | undefined, LockdCall]
): Promise<number> {
  let changed = 0;
  if (chosen !== undefined) {
    for (const messageId of chosen) {
      changed += (await change({ ...address, messageId }, call)).changed;
    }
    return changed;
  }
  for (;;) {
    const step = await change({ ...address, all: true }, call);
    changed += step.changed;
    // One that changes nothing and promises more would keep us here for ever.
    if (!step.more || step.changed === 0) return changed;
  }
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
