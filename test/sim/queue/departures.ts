/**
 * Why each message and each dead letter left the store (reliability.md P08): a message by an ack
 * of the delivery it was in, among the dead letters, or because its time to live was over; a dead
 * letter back into its queue, or by a purge. Exact, because the store itself is looked at.
 */
import { redriveHideMs } from "../../../src/engine/limits.ts";
import { isExhausted } from "../../../src/engine/queue/message.ts";
import { epochMs } from "../sim-clock.ts";
import type { Evidence, Report } from "./checks.ts";
import { numberOf, textOf } from "./history.ts";
import type { Removal } from "./ledger.ts";
import type { QueueOperation } from "./wire.ts";

export function checkDepartures(evidence: Evidence, report: Report): void {
  const { ledger } = evidence;
  for (const removal of ledger.removals) {
    if (removal.kind === "message") checkMessage(evidence, removal, report);
    else checkLetter(evidence, removal, report);
  }
  checkDeaths(evidence, report);
  checkPurged(evidence, report);
  checkDoubled(evidence, report);
}

function checkMessage(evidence: Evidence, removal: Removal, report: Report): void {
  const { messageId, atMs, message, hasOther } = removal;
  const { lease } = message;
  if (isAcked(evidence, removal)) return;
  const isHeld = lease !== undefined && lease.expiresAtUnix * 1000 > epochMs + atMs;
  if (isHeld && !evidence.clockFaults) {
    report("P08 holder", messageId, `went at ${atMs.toFixed(1)} out of the hands of its consumer`);
  }
  if (hasOther || isOver(evidence, removal) || isUnheardOf(evidence, removal)) return;
  if (isTakenBack(evidence, removal)) return;
  report("P08 lost", messageId, `went at ${atMs.toFixed(1)}: not acked, not dead, not outlived`);
}

/** By an ack of the very delivery it was in to the last. */
function isAcked({ history }: Evidence, { messageId, message, atMs }: Removal): boolean {
  const settles = history.settles.get(messageId) ?? [];
  return settles.some(
    ({ verb, about, invokedMs }) =>
      verb === "ack" && about.leaseId === message.lease?.id && invokedMs <= atMs,
  );
}

/** Its time to live was over by then, as its producer reckons it. */
function isOver(evidence: Evidence, { message, atMs, payload }: Removal): boolean {
  if (message.expiresAtMs === undefined) return false;
  const asked = evidence.history.asked.get(payload) ?? [];
  return asked.some((operation) => {
    const ttlSeconds = numberOf(operation, "ttlSeconds");
    if (ttlSeconds === undefined) return false;
    // A clock that was ahead may have begun or ended it.
    return evidence.clockFaults || Math.floor(operation.invokedMs) + ttlSeconds * 1000 <= atMs;
  });
}

/** Nobody was told that it is there: a producer that died, or a duplicate that was withdrawn. */
function isUnheardOf({ history, ledger }: Evidence, removal: Removal): boolean {
  const { messageId, payload, message } = removal;
  if (history.made(messageId) !== undefined) return false;
  if (message.unlinked || ledger.withdrawn.has(messageId)) return true;
  // What was redriven in a group has a name nobody was told either, but is somebody's message.
  const isHeir = message.group !== undefined && ledger.died(payload, messageId);
  return !isHeir;
}

/**
 * A redrive that came too late puts the message back and takes it away again, because its letter
 * was purged, or had been redriven and settled, meanwhile.
 */
function isTakenBack(
  evidence: Evidence,
  { messageId: id, queue, message, atMs }: Removal,
): boolean {
  const { history, atomicPlan } = evidence;
  if (atomicPlan || message.attempts > 0) return false;
  if (history.changesOf("redrive", { queue, id }).every((one) => one.invokedMs > atMs))
    return false;
  const isPurged = history.changesOf("purge", { queue, id }).some((one) => one.invokedMs <= atMs);
  return isPurged || history.maybeAcked(id, Number.POSITIVE_INFINITY);
}

function checkLetter(evidence: Evidence, removal: Removal, report: Report): void {
  const { messageId, queue, atMs, message, hasOther, payload } = removal;
  if (hasOther) return;
  const letter = { queue, id: messageId };
  const purges = evidence.history.changesOf("purge", letter);
  if (purges.some((purge) => maybeDoneAt(purge, atMs))) return;
  const { ledger } = evidence;
  const ids = ledger.idsOf(payload);
  const heirs = ids.slice(ids.indexOf(messageId) + 1).filter((id) => !ledger.withdrawn.has(id));
  if (message.group !== undefined && heirs.length > 0) return;
  report("P08 dead letter", messageId, `went at ${atMs.toFixed(1)}: not redriven, not purged`);
}

function maybeDoneAt({ invokedMs, answeredMs, outcome }: QueueOperation, atMs: number): boolean {
  return invokedMs <= atMs && (outcome?.kind !== "ok" || atMs <= answeredMs);
}

/** Who is dead had used up what its producer gave it, and was not outlived before. */
function checkDeaths({ history, ledger }: Evidence, report: Report): void {
  for (const { messageId, letter, payload } of ledger.deaths) {
    const { diedAtMs, expiresAtMs, attempts, failureAttempts } = letter;
    if (expiresAtMs !== undefined && (diedAtMs ?? 0) >= expiresAtMs) {
      report("P08 time to live", messageId, "was buried although it was outlived");
    }
    const [asked] = history.asked.get(payload) ?? [];
    if (asked === undefined) continue;
    const maxDeliveries = numberOf(asked, "maxDeliveries") ?? 0;
    const maxAttempts = numberOf(asked, "maxAttempts") ?? 0;
    if (isExhausted({ ...letter, maxAttempts, maxDeliveries })) continue;
    const text = `buried after ${attempts} deliveries and ${failureAttempts} failures`;
    report("P08 died early", messageId, text);
  }
}

/**
 * True when a message may be delivered once more although it was settled or purged: on stores whose
 * plans can be torn, after a redrive that nobody knows the end of, that took longer than what it
 * puts back is hidden, or that ran beside a purge, and after a burial that was itself too late.
 * Where clocks are wrong nothing is hidden for as long as it is meant to be.
 */
export function mayComeAgain(
  { history, ledger, atomicPlan, clockFaults }: Evidence,
  letter: { readonly queue: string; readonly id: string },
): boolean {
  if (atomicPlan) return false;
  const redrives = history.changesOf("redrive", letter);
  if (redrives.length > 0 && ledger.ghosts.has(letter.id)) return true;
  const others = [...(clockFaults ? redrives : []), ...history.changesOf("purge", letter)];
  return redrives.some(
    (one) =>
      one.outcome?.kind !== "ok" ||
      one.answeredMs - one.invokedMs >= redriveHideMs ||
      others.some((other) => other !== one && areTogether(one, other)),
  );
}

function areTogether(one: QueueOperation, other: QueueOperation): boolean {
  return one.invokedAt < other.answeredAt && other.invokedAt < one.answeredAt;
}

/** Nobody gets what a purge has deleted, and it is not among the dead letters again. */
function checkPurged(evidence: Evidence, report: Report): void {
  const { history, ledger } = evidence;
  for (const purge of history.changes) {
    const id = textOf(purge, "letterId");
    if (purge.verb !== "purge" || purge.outcome?.kind !== "ok" || id === undefined) continue;
    if ((purge.outcome.answer as { readonly changed: number }).changed === 0) continue;
    if (mayComeAgain(evidence, { queue: textOf(purge, "queue") ?? "", id })) continue;
    for (const { operation } of history.handed.get(id) ?? []) {
      if (operation.invokedAt < purge.answeredAt) continue;
      report("P08 purge", id, `delivered (op ${operation.id}) after purge ${purge.id}`);
    }
    if (ledger.ghosts.has(id)) continue;
    for (const { messageId, atMs } of ledger.deaths) {
      if (messageId !== id || atMs < purge.answeredMs) continue;
      report("P08 purge", id, `buried again at ${atMs.toFixed(1)} after purge ${purge.id}`);
    }
  }
}

/** A redrive in a group makes a new message, one each time somebody asks for it. */
function checkDoubled({ history, ledger }: Evidence, report: Report): void {
  for (const [payload, [made]] of history.asked) {
    const ids = ledger.idsOf(payload).filter((id) => history.handed.has(id));
    if (ids.length <= 1 || made === undefined) continue;
    const queue = textOf(made, "queue") ?? "";
    const redrives = ids.flatMap((id) => history.changesOf("redrive", { queue, id }));
    // A producer that was not answered may have made two messages of one payload by itself.
    const calls = history.asked.get(payload)?.length ?? 0;
    if (ids.length <= calls + redrives.length) continue;
    report("P08 doubled", payload, `delivered as ${ids.join(", ")}`);
  }
}
