import type { Lockd, LockdCall } from "../../api/lockd.ts";
import type { QueueSummary } from "../../api/queues.ts";
import { counted } from "../queue/counted.ts";
import { spanText } from "../status-text.ts";
import type { CheckFacts } from "./check-result.ts";

export const queueMetrics = ["ready", "age", "in-flight", "delayed", "dead"] as const;

/** Queues in one page of the list. */
const pageSize = 1000;

/** Pages looked through for the queue: a million queues. */
const pagesMax = 1000;

export interface QueueProbe {
  readonly namespace?: string | undefined;
  readonly queue: string;
}

/** A queue that has no messages is not listed: all its numbers are 0. */
export async function queueFacts(
  lockd: Lockd,
  probe: QueueProbe,
  call: LockdCall,
): Promise<CheckFacts> {
  // Names as lockd has them, and a refusal of impossible ones.
  const { namespace, queue } = await lockd.queues.stats(probe, call);
  const found = await summaryOf(lockd, { namespace, queue }, call);
  const { ready = 0, delayed = 0, inFlight = 0, dead = 0, oldestAgeSeconds = 0 } = found ?? {};
  const oldest = ready === 0 ? "" : ` (oldest ${spanText(oldestAgeSeconds * 1000)})`;
  const count = (name: string, value: number) => ({ name, value, unit: "" }) as const;
  return {
    subject: `${namespace}/${queue}`,
    metrics: [
      count("ready", ready),
      { name: "age", value: oldestAgeSeconds, unit: "s" },
      count("in-flight", inFlight),
      count("delayed", delayed),
      count("dead", dead),
    ],
    findings: [],
    text: found === undefined ? none : summaryText(found, oldest),
  };
}

const none = "0 ready, 0 in flight, 0 delayed, 0 dead";

function summaryText(queue: QueueSummary, oldest: string): string {
  return [
    `${counted(queue, "ready")} ready${oldest}`,
    `${counted(queue, "inFlight")} in flight`,
    `${counted(queue, "delayed")} delayed`,
    `${counted(queue, "dead")} dead`,
  ].join(", ");
}

async function summaryOf(
  lockd: Lockd,
  { namespace, queue }: { readonly namespace: string; readonly queue: string },
  call: LockdCall,
): Promise<QueueSummary | undefined> {
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const { queues, cursor: next } = await lockd.queues.list(
      { namespace, cursor, limit: pageSize },
      call,
    );
    const found = queues.find((one) => one.queue === queue);
    if (found !== undefined || next === undefined) return found;
    cursor = next;
  }
  return undefined;
}
