import { failure, type LockdApiError } from "../../api/errors.ts";
import type { DamagedLetter } from "../../api/queues.ts";

/** Letters that are named one by one; of more the number only. */
const namedMax = 20;

/** The error of a call that has done what it was asked to with all letters but these. */
export function damagedLetters(
  queue: string,
  damaged: readonly DamagedLetter[],
): LockdApiError | undefined {
  if (damaged.length === 0) return undefined;
  const named = damaged
    .slice(0, namedMax)
    .map(({ messageId, detail }) => `${messageId} (${detail})`);
  const more = damaged.length > namedMax ? [`${damaged.length - namedMax} more`] : [];
  const [some, stays] =
    damaged.length === 1
      ? ["1 dead letter", "stays as it is"]
      : [`${damaged.length} dead letters`, "stay as they are"];
  const detail = `${some} of ${queue} cannot be read and ${stays}: `;
  return failure("store_corrupt", detail + [...named, ...more].join("; "));
}
