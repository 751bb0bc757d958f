/** What the transaction commands print. */

import type {
  TxnExplanation,
  TxnListResult,
  TxnParticipantStatus,
  TxnResult,
} from "../../api/transactions.ts";
import { explanationJson, listJson } from "../../api/transactions-json.ts";
import { isoTime } from "../lease-output.ts";
import { jsonText } from "../output.ts";
import { plainText } from "../plain-text.ts";

export function outcomeText({ txnId, state }: TxnResult, asJson: boolean): string {
  return asJson ? jsonText({ txn_id: txnId, state }) : `txn_id=${txnId} state=${state}\n`;
}

export function listText(page: TxnListResult, asJson: boolean): string {
  if (asJson) {
    return jsonText(listJson(page));
  }
  const lines = page.transactions.map((txn) => {
    const doubt = txn.inDoubt ? "  IN DOUBT" : "";
    const nameOf = namer(txn.participants);
    const names = txn.participants.map(nameOf).join(" ");
    const until = `until ${isoTime(txn.expiresAtUnix)}${doubt}`;
    return `${txn.txnId}  ${txn.state.padEnd(8)}  ${until}  ${names}`;
  });
  if (page.cursor !== undefined) lines.push(`more: --cursor ${page.cursor}`);
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

export function explanationText(txn: TxnExplanation, asJson: boolean): string {
  if (asJson) return jsonText(explanationJson(txn));
  const finished = txn.record === "finished" ? " (finished)" : "";
  const head = `${txn.txnId}  ${txn.state.toUpperCase()}${finished}`;
  const times = [
    ...(txn.createdAtUnix === undefined ? [] : [`  begun      ${isoTime(txn.createdAtUnix)}`]),
    ...(txn.decidedAtUnix === undefined ? [] : [`  decided    ${isoTime(txn.decidedAtUnix)}`]),
    `  ${txn.state === "pending" ? "deadline  " : "remembered"} ${isoTime(txn.expiresAtUnix)}`,
  ];
  const nameOf = namer(txn.participants);
  const participants = txn.participants.map((participant) => {
    const applied = txn.state === "pending" ? "" : participant.applied ? ", applied" : ", MISSING";
    const { owner, leaseExpiresAtUnix: until } = participant;
    const held = owner === undefined ? "" : ` by ${plainText(owner)}`;
    const lease = until === undefined ? "" : ` until ${isoTime(until)}`;
    return `  ${nameOf(participant)}  ${participant.now}${held}${lease}${applied}`;
  });
  const story = txn.story.map((sentence) => `  ${plainText(sentence)}`);
  return `${[head, ...times, ...participants, ...story].join("\n")}\n`;
}

/** Characters of an island's hash that tell it from others, for people. */
const hashShown = 12;

/** How participants are called: with their island only where there are several. */
function namer(all: readonly TxnParticipantStatus[]): (one: TxnParticipantStatus) => string {
  const islands = new Set(all.map(({ backendHash }) => backendHash));
  return ({ namespace, key, backendHash }) => {
    const island = islands.size < 2 || backendHash === "" ? "" : backendHash.slice(0, hashShown);
    return `${namespace}:${key}${island === "" ? "" : `@${island}`}`;
  };
}
