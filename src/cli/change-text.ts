/** An event for people: one line, the same columns for every kind. */
import type { ChangeEvent, ChangeKind } from "../api/observation.ts";
import { plainText } from "./plain-text.ts";

const words: Readonly<Record<ChangeKind, string>> = {
  ready: "ready",
  missed: "missed",
  lease_granted: "granted",
  lease_renewed: "renewed",
  lease_released: "released",
  lease_expired: "EXPIRED",
  state_committed: "committed",
  state_removed: "removed",
  queue_enqueued: "enqueued",
  queue_delivered: "delivered",
  queue_settled: "settled",
  queue_dead: "DEAD",
  txn_decided: "decided",
};

const wordWidth = 9;

/** `12:03:04.123Z  granted    default/orders  worker-1  token 7  until 12:03:34Z` */
export function changeLine(event: ChangeEvent): string {
  const parts = [timeText(event.atUnixMs), words[event.kind].padEnd(wordWidth), subject(event)];
  return [...parts, ...details(event)].filter((part) => part !== "").join("  ");
}

function subject({ namespace, key, queue, messageId, txnId }: ChangeEvent): string {
  if (queue !== undefined) return [namespace, queue, messageId].filter(Boolean).join("/");
  if (key !== undefined) return `${namespace ?? ""}/${key}`;
  return txnId ?? "";
}

function details(event: ChangeEvent): string[] {
  const { kind, owner, fencingToken, expiresAtUnix, version, outcome, coalesced } = event;
  const parts: string[] = [];
  if (version !== undefined) parts.push(`version ${version}`);
  if (owner !== undefined) parts.push(plainText(owner));
  if (fencingToken !== undefined) parts.push(`token ${fencingToken}`);
  const runs = kind === "lease_granted" || kind === "lease_renewed";
  if (runs && expiresAtUnix !== undefined) {
    parts.push(`until ${timeText(expiresAtUnix * 1000).replace(".000", "")}`);
  }
  if (outcome !== undefined) parts.push(outcome);
  if (coalesced === true) parts.push("(newest)");
  return parts;
}

/** The time of day in UTC; a watch that runs over midnight is read as it goes. */
function timeText(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(11);
}

/** What a gap means, for standard error. */
export function missedText({ missed }: ChangeEvent, keepsStates: boolean): string {
  const what = missed === undefined ? "events may have been missed" : `missed ${missed} events`;
  return keepsStates ? `${what}; states are told again where they are newer` : what;
}
