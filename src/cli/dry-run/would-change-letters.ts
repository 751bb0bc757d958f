/** Which dead letters a redrive or a purge would change. */
import { LockdError } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import type { DamagedLetter, QueueAddress, Queues } from "../../api/queues.ts";
import { jsonText } from "../output.ts";
import { closePayload } from "../queue/payload-file.ts";

/** Ids that a dry run names one by one; of more it tells the number only. */
const namedMax = 1_000;

/** Pages of a count; a queue with more dead letters is counted no further. */
const pagesMax = 10_000;

export interface WouldChange {
  readonly count: number;
  /** The first of them. */
  readonly messageIds: readonly string[];
  /** Those that cannot be read, and would be left alone. */
  readonly damaged: readonly DamagedLetter[];
}

export async function wouldChangeLetters(
  queues: Queues,
  address: QueueAddress,
  ...[chosen, call]: [readonly string[] | undefined, LockdCall]
): Promise<WouldChange> {
  if (chosen !== undefined) {
    const found: string[] = [];
    for (const messageId of new Set(chosen)) {
      if (await isThere(queues, { ...address, messageId }, call)) found.push(messageId);
    }
    return { count: found.length, messageIds: found, damaged: [] };
  }
  const messageIds: string[] = [];
  const damaged: DamagedLetter[] = [];
  let count = 0;
  let cursor: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await queues.deadLetters({ ...address, cursor, limit: 1_000 }, call);
    count += page.letters.length;
    messageIds.push(...page.letters.map(({ messageId }) => messageId));
    messageIds.splice(namedMax);
    damaged.push(...page.damaged);
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  return { count, messageIds, damaged };
}

/** The same code for a message that is not there as the change itself would meet: none changed. */
async function isThere(
  queues: Queues,
  letter: QueueAddress & { readonly messageId: string },
  call: LockdCall,
): Promise<boolean> {
  try {
    const { payload } = await queues.deadLetter(letter, call);
    await closePayload(payload);
    return true;
  } catch (error) {
    if (error instanceof LockdError && error.code === "message_not_found") return false;
    throw error;
  }
}

/** `member`: what the command calls its number, `purged` or `redriven`. */
export function wouldChangeText(
  { count, messageIds }: WouldChange,
  member: string,
  asJson: boolean,
): string {
  if (asJson) return jsonText({ dry_run: true, [member]: count, message_ids: messageIds });
  const ids = messageIds.map((id) => `${id}\n`).join("");
  const more = count > messageIds.length ? `and ${count - messageIds.length} more\n` : "";
  return `would be ${member}: ${count}\n${ids}${more}`;
}
