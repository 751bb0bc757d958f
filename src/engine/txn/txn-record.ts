/**
 * Records of transactions (transactions-and-islands.md section 3). Plain immutable data.
 *
 * A transaction record is what decides: from the moment its state is durable every participant goes
 * that way. A marker is what is remembered of it when all participants have.
 */

/** What a transaction ends with. */
export type Outcome = "commit" | "rollback";

export interface Participant {
  /** Which island; empty while this one does not know its own hash. */
  readonly backendHash: string;
  readonly namespace: string;
  /** A key, `q/<queue>/msg/<id>` or `q/<queue>/state/<id>`. */
  readonly key: string;
  /** True once the decision has reached it, or will never have to. */
  readonly applied: boolean;
}

export interface TxnRecord {
  readonly txnId: string;
  readonly state: "pending" | Outcome;
  /** Sorted by hash, namespace and key; unique. */
  readonly participants: readonly Participant[];
  /** Seconds. Pending: when it is given up; decided: until when it is kept at most. */
  readonly expiresAtUnix: number;
  /** Highest term of a coordinator that touched it; 0 = none, on one island. */
  readonly tcTerm: number;
  readonly createdAtUnix: number;
  readonly updatedAtUnix: number;
  /**
   * Milliseconds; 0 while pending. Recorded with the decision and never changed, so that a message
   * is due at the same instant whenever, and however often, the decision is applied to it.
   */
  readonly decidedAtMs: number;
  /**
   * True when messages wait for it, or a consumer asked for it (`txn_bound`). Then it loses no
   * delivery without being rolled back: what was made of a message must not appear while the
   * message itself goes to somebody else.
   */
  readonly sends?: true;
}

/** A record whose state is final. */
export interface DecidedRecord extends TxnRecord {
  readonly state: Outcome;
}

/** A decision all participants have applied, remembered for late callers. */
export interface DecisionMarker {
  readonly txnId: string;
  readonly state: Outcome;
  readonly tcTerm: number;
  readonly createdAtUnix: number;
  readonly decidedAtUnix: number;
  /** Seconds. From then on it counts as absent. */
  readonly expiresAtUnix: number;
  /** The first of them, for people who ask later. */
  readonly participants: readonly Participant[];
}

/** All that is stored of one transaction. */
export interface TxnView {
  readonly record: TxnRecord | undefined;
  readonly marker: DecisionMarker | undefined;
}

export function isDecided(record: TxnRecord): record is DecidedRecord {
  return record.state !== "pending";
}

/** Prefixes of everything transactions keep. */
export const txnPrefix = "t/";
export const markerPrefix = "td/";

export function txnName(txnId: string): string {
  return `${txnPrefix}${txnId}`;
}

export function markerName(txnId: string): string {
  return `${markerPrefix}${txnId}`;
}

/** True when both name one participant: an empty hash stands for any (section 3.2). */
export function isSameParticipant(one: Participant, other: Participant): boolean {
  return (
    one.key === other.key &&
    one.namespace === other.namespace &&
    (one.backendHash === other.backendHash || one.backendHash === "" || other.backendHash === "")
  );
}

/** Both lists in one: sorted, each participant once, `applied` if either says so. */
export function mergedParticipants(
  known: readonly Participant[],
  added: readonly Participant[],
): readonly Participant[] {
  const merged = [...known];
  for (const participant of added) {
    const at = merged.findIndex((other) => isSameParticipant(other, participant));
    const before = merged[at];
    if (before === undefined) merged.push(participant);
    else {
      merged[at] = {
        ...before,
        backendHash: before.backendHash === "" ? participant.backendHash : before.backendHash,
        applied: before.applied || participant.applied,
      };
    }
  }
  return merged.sort(byOrder);
}

/** Bytewise, because every part is ASCII. */
function byOrder(one: Participant, other: Participant): number {
  return (
    compare(one.backendHash, other.backendHash) ||
    compare(one.namespace, other.namespace) ||
    compare(one.key, other.key)
  );
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
