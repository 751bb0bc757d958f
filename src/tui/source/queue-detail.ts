/** A queue with its dead letters. */
import type { Lockd } from "../../api/lockd.ts";
import type { DeadLetter } from "../../api/queues.ts";
import { deadLettersShown } from "../limits.ts";
import type { Detail, Subject } from "./dashboard-source.ts";

type QueueSubject = Subject & { readonly kind: "queue" };

export async function queueDetail(
  lockd: Lockd,
  { namespace, queue }: QueueSubject,
  signal: AbortSignal,
): Promise<Detail> {
  const address = { namespace, queue };
  const stats = await lockd.queues.stats(address, { signal });
  const request = { ...address, limit: deadLettersShown };
  const { letters, damaged, cursor } = await lockd.queues.deadLetters(request, { signal });
  const more = cursor === undefined ? "" : `, the oldest ${letters.length + damaged.length}`;
  return {
    facts: [
      ["consumers", `${stats.totalConsumers}, ${stats.waitingConsumers} of them waiting`],
      ["candidates", String(stats.pendingCandidates)],
      ["head", stats.headMessageId ?? "none"],
      ["head's age", stats.headAgeSeconds === undefined ? "-" : `${stats.headAgeSeconds}s`],
    ],
    heading: letters.length + damaged.length === 0 ? "no dead letters" : `dead letters${more}`,
    lines: [...damaged.map(({ detail }) => `damaged: ${detail}`), ...letters.flatMap(letterLines)],
  };
}

function letterLines(letter: DeadLetter): readonly string[] {
  const { messageId, attempts, failureAttempts, maxAttempts, payloadBytes } = letter;
  const died = new Date(letter.diedAtUnix * 1000).toISOString().slice(0, 19);
  const tries = `${attempts} deliveries, ${failureAttempts} of ${maxAttempts} failures`;
  return [
    `${messageId}  died ${died}Z  ${tries}  ${payloadBytes} bytes`,
    ...(letter.lastError === undefined ? [] : [`  ${JSON.stringify(letter.lastError)}`]),
  ];
}
