/** What must be true of single deliveries: time to live, limits, order by priority, windows. */
import { epochMs } from "../sim-clock.ts";
import type { Evidence, Report } from "./checks.ts";
import { add, type Handed, numberOf, textOf } from "./history.ts";
import { isUncertain, type QueueOperation } from "./wire.ts";

export function checkDeliveries(evidence: Evidence, report: Report): void {
  for (const [messageId, handed] of evidence.history.handed) {
    for (const delivery of handed) {
      checkLimits(evidence, delivery, report);
      if (!evidence.clockFaults) checkOutlived(evidence, delivery, report);
    }
    if (!evidence.clockFaults) checkHolder(evidence, messageId, report);
  }
  if (!evidence.clockFaults) checkWindows(evidence, report);
  // Elsewhere a node knows only a part of the queue, and not for long.
  if (evidence.exclusive && evidence.calm) checkPriority(evidence, report);
}

/** Never more often than its producer allows, nor after so many failures. */
function checkLimits({ history }: Evidence, delivery: Handed, report: Report): void {
  const { messageId, attempts, failureAttempts, payload, operation } = delivery;
  const [asked] = history.asked.get(payload) ?? [];
  if (asked === undefined) return;
  const maxDeliveries = numberOf(asked, "maxDeliveries") ?? 0;
  const maxAttempts = numberOf(asked, "maxAttempts") ?? 0;
  if (maxDeliveries > 0 && attempts > maxDeliveries) {
    report("P08 limit", messageId, `delivery ${attempts} (op ${operation.id}) of ${maxDeliveries}`);
  }
  if (failureAttempts >= maxAttempts) {
    const text = `delivered (op ${operation.id}) after ${failureAttempts} failures`;
    report("P08 limit", messageId, text);
  }
}

/** Nothing is given away in a second that began when its time to live was over. */
function checkOutlived({ history, ledger }: Evidence, delivery: Handed, report: Report): void {
  const { messageId, payload, queue, operation } = delivery;
  // What was redriven, in a group under another id, has all the time in the world.
  const ids = [messageId, ...ledger.idsOf(payload)];
  if (ids.some((id) => history.changesOf("redrive", { queue, id }).length > 0)) return;
  const ends = (history.asked.get(payload) ?? []).map((asked) => {
    const ttlSeconds = numberOf(asked, "ttlSeconds");
    return ttlSeconds === undefined
      ? Number.POSITIVE_INFINITY
      : Math.ceil(asked.answeredMs) + ttlSeconds * 1000;
  });
  const givenMs =
    (delivery.leaseExpiresAtUnix - delivery.visibilityTimeoutSeconds) * 1000 - epochMs;
  const endMs = Math.max(...ends, 0);
  if (endMs === 0 || givenMs < endMs) return;
  const text = `delivered (op ${operation.id}) ${givenMs - endMs} ms after its time to live`;
  report("P08 time to live", messageId, text);
}

/** Whoever holds a message may acknowledge it: its lease runs, and nobody else tried to end it. */
function checkHolder({ history }: Evidence, messageId: string, report: Report): void {
  const settles = history.settles.get(messageId) ?? [];
  for (const ack of settles) {
    const { outcome, about } = ack;
    if (ack.verb !== "ack" || outcome?.kind !== "failed" || isUncertain(outcome)) continue;
    if (!/lease|not_found/.test(outcome.code)) continue;
    if (settles.some((other) => other !== ack && other.about.leaseId === about.leaseId)) continue;
    const held = history.handed.get(messageId)?.find(({ leaseId }) => leaseId === about.leaseId);
    if (held === undefined || !isLive(held, ack.answeredMs)) continue;
    report("P08 holder", messageId, `ack ${ack.id} in time was answered ${outcome.code}`);
  }
}

function isLive({ leaseExpiresAtUnix }: Handed, atMs: number): boolean {
  return leaseExpiresAtUnix * 1000 > epochMs + atMs;
}

/** Of one stream never more deliveries are in flight than its window lets. */
function checkWindows({ history }: Evidence, report: Report): void {
  const streams = new Map<string, Handed[]>();
  for (const handed of history.handed.values()) {
    for (const delivery of handed) {
      if (numberOf(delivery.operation, "window") === undefined) continue;
      add(streams, textOf(delivery.operation, "owner") ?? "", delivery);
    }
  }
  for (const [owner, deliveries] of streams) {
    deliveries.sort((one, other) => one.operation.answeredAt - other.operation.answeredAt);
    for (const [at, { operation }] of deliveries.entries()) {
      const window = numberOf(operation, "window") ?? 0;
      const open = deliveries.slice(0, at + 1).filter((one) => {
        const ended = (history.settles.get(one.messageId) ?? []).some(
          // An extension may have made it shorter.
          ({ about, invokedAt }) =>
            about.leaseId === one.leaseId && invokedAt <= operation.answeredAt,
        );
        return !ended && isLive(one, operation.answeredMs);
      });
      if (open.length <= window) continue;
      const text = `${open.length} in flight at op ${operation.id}, window ${window}`;
      report("P08 window", owner, text);
    }
  }
}

/** Where one node knows the whole queue, nothing overtakes what is certainly ready and higher. */
function checkPriority({ history }: Evidence, report: Report): void {
  const waiting: { readonly made: QueueOperation; readonly first: Handed; priority: number }[] = [];
  for (const [messageId, [first]] of history.handed) {
    const made = history.made(messageId);
    // A stream leases ahead of what it hands out.
    const isDirect = first?.operation.about.window === undefined;
    const isPlain = made?.about.delaySeconds === 0 && made.about.group === undefined && isDirect;
    // A redrive begins to count anew, but for the token.
    if (first?.fencingToken !== 1 || made === undefined || !isPlain) continue;
    waiting.push({ made, first, priority: numberOf(made, "priority") ?? 0 });
  }
  for (const operation of history.operations) {
    const isStream = operation.about.window !== undefined;
    if (operation.verb !== "dequeue" || operation.outcome?.kind !== "ok" || isStream) continue;
    for (const { messageId } of operation.outcome.answer as readonly Handed[]) {
      const taken = history.made(messageId);
      if (taken === undefined) continue;
      const lower = numberOf(taken, "priority") ?? 0;
      const overtaken = waiting.find(
        ({ made, first, priority }) =>
          made.about.queue === operation.about.queue &&
          priority > lower &&
          made.answeredAt < operation.invokedAt &&
          first.operation.invokedAt > operation.answeredAt,
      );
      if (overtaken === undefined) continue;
      const text = `${messageId} (op ${operation.id}) overtook ${overtaken.first.messageId}`;
      report("P08 priority", textOf(operation, "queue") ?? "", text);
    }
  }
}
