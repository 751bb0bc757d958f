/** The story of one transaction, for people (transactions-and-islands.md section 20). Pure. */
import type { TxnExplanation, TxnParticipantStory, TxnSummary } from "../../api/transactions.ts";
import type { KeyRecord } from "../record/key-record.ts";
import type { ParticipantStanding } from "./participant-kind.ts";
import { type DecisionMarker, isDecided, type Participant, type TxnRecord } from "./txn-record.ts";

/** True when somebody should look after it: too late, or decided and not through. */
export function isInDoubt(record: TxnRecord, nowUnix: number): boolean {
  if (!isDecided(record)) return record.expiresAtUnix <= nowUnix;
  return record.participants.some(({ applied }) => !applied);
}

export function summaryOf(record: TxnRecord, nowUnix: number): TxnSummary {
  const { decidedAtMs: _decided, sends: _sends, ...told } = record;
  return { ...told, inDoubt: isInDoubt(record, nowUnix) };
}

/** What stands in the record of a key that takes part. */
export function keyStanding(txnId: string, record: KeyRecord | undefined): ParticipantStanding {
  const lease = record?.lease;
  const staged = record?.staged;
  return {
    now: standing(txnId, record),
    owner: lease?.owner,
    leaseExpiresAtUnix: lease?.expiresAtUnix,
    fencingToken: lease?.fencingToken ?? (staged === undefined ? undefined : record?.fencingToken),
  };
}

export function participantStory(
  participant: Participant,
  { now, owner, leaseExpiresAtUnix, fencingToken }: ParticipantStanding,
): TxnParticipantStory {
  return { ...participant, now, owner, leaseExpiresAtUnix, fencingToken };
}

/** Of a participant that cannot be looked at from here. */
export function unseenStory(participant: Participant, now: string): TxnParticipantStory {
  return participantStory(participant, { now });
}

function standing(txnId: string, record: KeyRecord | undefined): string {
  if (record === undefined) return "gone";
  const { staged, lease } = record;
  if (staged?.txnId === txnId) return "staged";
  if (staged !== undefined || (lease !== undefined && lease.txnId !== txnId)) {
    return "other transaction";
  }
  return lease === undefined ? "clean" : "leased";
}

export function explainRecord(
  record: TxnRecord,
  participants: readonly TxnParticipantStory[],
  nowUnix: number,
): TxnExplanation {
  const decided = isDecided(record);
  const decidedAtUnix = Math.floor(record.decidedAtMs / 1000);
  const story = [
    `began at ${time(record.createdAtUnix)} and has ${counted(participants.length, "participant")}`,
  ];
  if (decided) {
    story.push(`was decided at ${time(decidedAtUnix)}: ${record.state}`);
    story.push(...missingText(participants));
  } else if (record.expiresAtUnix <= nowUnix) {
    story.push(`is not decided; its time ran out at ${time(record.expiresAtUnix)}`);
    story.push("will be rolled back by the next look at it: `lockd txn replay` does it now");
  } else {
    story.push(`is not decided; it is rolled back at ${time(record.expiresAtUnix)} if nobody does`);
  }
  return {
    txnId: record.txnId,
    state: record.state,
    record: "recorded",
    participants,
    createdAtUnix: record.createdAtUnix,
    decidedAtUnix: decided ? decidedAtUnix : undefined,
    expiresAtUnix: record.expiresAtUnix,
    tcTerm: record.tcTerm,
    story,
  };
}

export function explainMarker(
  marker: DecisionMarker,
  participants: readonly TxnParticipantStory[],
): TxnExplanation {
  const { txnId, state, tcTerm, createdAtUnix, decidedAtUnix, expiresAtUnix } = marker;
  return {
    txnId,
    state,
    record: "finished",
    participants,
    createdAtUnix,
    decidedAtUnix,
    expiresAtUnix,
    tcTerm,
    story: [
      `began at ${time(createdAtUnix)}`,
      `was decided at ${time(decidedAtUnix)}: ${state}`,
      ...appliedText(participants),
      `is remembered until ${time(expiresAtUnix)}`,
    ],
  };
}

/** Who has not followed a decision yet, and what brings it there. */
function missingText(participants: readonly TxnParticipantStory[]): readonly string[] {
  const missing = participants.filter(({ applied }) => !applied);
  if (missing.length === 0) return ["every participant has applied it; it is finished soon"];
  const reached = participants.length - missing.length;
  return [
    `${reached} of ${counted(participants.length, "participant")} confirmed it`,
    ...missing.map(({ namespace, key, now }) =>
      now === "staged"
        ? `${namespace}/${key} has not applied it yet: its changes are still staged`
        : `${namespace}/${key} has not confirmed it yet (${now})`,
    ),
    "it is tried again in traffic, and by the sweeper: `lockd txn replay` does it now",
  ];
}

/** An abandoned decision names those it never reached. */
function appliedText(participants: readonly TxnParticipantStory[]): readonly string[] {
  const missing = participants.filter(({ applied }) => !applied);
  if (missing.length === 0) return ["every participant has applied it"];
  return missing.map(
    ({ namespace, key }) =>
      `${namespace}/${key} never confirmed it until it was given up; look after it by hand`,
  );
}

function time(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString();
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
