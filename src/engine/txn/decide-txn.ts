/**
 * The decision engine (transactions-and-islands.md section 5): what a request makes of what is
 * known of a transaction. Pure; the rules carry the names of the contract.
 */
import { failure, type LockdApiError } from "../../api/errors.ts";
import { txnParticipantsMax } from "../limits.ts";
import {
  isDecided,
  mergedParticipants,
  type Outcome,
  type Participant,
  type TxnRecord,
  type TxnView,
} from "./txn-record.ts";

export interface DecisionRequest {
  readonly txnId: string;
  readonly state: TxnRecord["state"];
  readonly participants: readonly Participant[];
  /** 0: not given. */
  readonly expiresAtUnix: number;
  /** 0: not given. */
  readonly tcTerm: number;
  /** The participants are messages that wait for the decision, or may not be lost by it. */
  readonly sends?: true;
  /**
   * Recovery decides nothing that was not due when it counts: a pending transaction only once it
   * has expired, a decided one only while its record is there.
   */
  readonly only?: "expired" | "decided" | undefined;
}

/** What time it is, and how long things last; in seconds unless it says otherwise. */
export interface DecisionTimes {
  readonly nowUnix: number;
  readonly nowMs: number;
  readonly retentionSeconds: number;
  readonly defaultTtlSeconds: number;
}

export type TxnDecision =
  /** What is recorded from now on; `changed` when it has to be written first. */
  | { readonly kind: "recorded"; readonly record: TxnRecord; readonly changed: boolean }
  /** Decided, applied and finished before; `again` is to be applied once more. */
  | {
      readonly kind: "remembered";
      readonly state: Outcome;
      readonly decidedAtMs: number;
      readonly again: readonly Participant[];
    }
  /** There is no record any more that recovery could bring to its end. */
  | { readonly kind: "gone" }
  | { readonly kind: "refuse"; readonly error: LockdApiError };

/** A decision that may be acted on. */
export type TxnVerdict = Exclude<TxnDecision, { kind: "refuse" }>;

export function decideTxn(
  view: TxnView,
  request: DecisionRequest,
  times: DecisionTimes,
): TxnDecision {
  const { record } = view;
  if (request.only !== undefined && !isStillDue(record, request.only, times.nowUnix)) {
    return record === undefined ? { kind: "gone" } : { kind: "recorded", record, changed: false };
  }
  if (record === undefined && request.state !== "pending") {
    const remembered = fromMarker(view, { ...request, state: request.state }, times.nowUnix);
    if (remembered !== undefined) return remembered;
  }
  const over = record === undefined ? whatIsOver(view, request, times.nowUnix) : undefined;
  if (over !== undefined) return { kind: "refuse", error: conflict(request.txnId, over) };
  const base = record ?? freshRecord(request.txnId, times.nowUnix);
  const refused = termError(base, request);
  if (refused !== undefined) return { kind: "refuse", error: refused };
  if (isDecided(base) && base.state !== request.state) return otherWay(base, request);
  return recorded({ base, isNew: record === undefined }, request, times);
}

function isStillDue(
  record: TxnRecord | undefined,
  only: "expired" | "decided",
  nowUnix: number,
): boolean {
  if (record === undefined) return false;
  if (only === "decided") return isDecided(record);
  return !isDecided(record) && record.expiresAtUnix <= nowUnix;
}

/**
 * An id whose transaction was rolled back begins no new one while that is remembered: a client that
 * does not know yet would commit the rest of what it took for one transaction. (Stricter than
 * section 4.3; a committed id may be used again.) Nor does a message begin one anew: it comes late,
 * and its producer would be told that it is in what was committed.
 */
function whatIsOver(
  { marker }: TxnView,
  { state, sends }: DecisionRequest,
  nowUnix: number,
): Outcome | undefined {
  if (state !== "pending" || marker === undefined || marker.expiresAtUnix <= nowUnix) return;
  return marker.state === "rollback" || sends === true ? marker.state : undefined;
}

/** D1: the decision is remembered although its record is gone. */
function fromMarker(
  { marker }: TxnView,
  request: DecisionRequest & { readonly state: Outcome },
  nowUnix: number,
): TxnDecision | undefined {
  if (marker === undefined || marker.expiresAtUnix <= nowUnix) return undefined;
  const { state, tcTerm, decidedAtUnix } = marker;
  const refused = termError(marker, request);
  if (refused !== undefined) return { kind: "refuse", error: refused };
  const decidedAtMs = decidedAtUnix * 1000;
  if (state === request.state) {
    return { kind: "remembered", state, decidedAtMs, again: request.participants };
  }
  if (tcTerm !== 0 || request.tcTerm !== 0) {
    return { kind: "refuse", error: conflict(request.txnId, state) };
  }
  return { kind: "remembered", state, decidedAtMs, again: [] };
}

/** D2 */
function freshRecord(txnId: string, nowUnix: number): TxnRecord {
  return {
    txnId,
    state: "pending",
    participants: [],
    expiresAtUnix: 0,
    tcTerm: 0,
    createdAtUnix: nowUnix,
    updatedAtUnix: nowUnix,
    decidedAtMs: 0,
  };
}

/** D4 */
function termError(
  known: { readonly tcTerm: number },
  request: DecisionRequest,
): LockdApiError | undefined {
  const { txnId, tcTerm } = request;
  if (known.tcTerm === 0) return undefined;
  if (tcTerm === 0) {
    return failure("tc_term_required", `transaction ${txnId} is of term ${known.tcTerm}`);
  }
  if (tcTerm >= known.tcTerm) return undefined;
  return failure(
    "tc_term_stale",
    `transaction ${txnId} is of term ${known.tcTerm}, the request of term ${tcTerm}`,
  );
}

/** D5: a stored decision never changes. */
function otherWay(record: TxnRecord, request: DecisionRequest): TxnDecision {
  if (record.tcTerm !== 0 || request.tcTerm !== 0) {
    return { kind: "refuse", error: conflict(record.txnId, record.state) };
  }
  return { kind: "recorded", record, changed: false };
}

function conflict(txnId: string, state: TxnRecord["state"]): LockdApiError {
  return failure("txn_conflict", `transaction ${txnId} is already decided: ${state}`);
}

/** D3, D6, D7. */
function recorded(
  { base, isNew }: { readonly base: TxnRecord; readonly isNew: boolean },
  request: DecisionRequest,
  times: DecisionTimes,
): TxnDecision {
  const { nowUnix, retentionSeconds, defaultTtlSeconds } = times;
  const participants = mergedParticipants(base.participants, request.participants);
  if (participants.length > txnParticipantsMax) {
    const detail = `transaction ${base.txnId} has ${txnParticipantsMax} participants already`;
    return { kind: "refuse", error: failure("invalid_body", detail) };
  }
  const given = Math.max(base.expiresAtUnix, request.expiresAtUnix);
  const deadline = given === 0 ? nowUnix + defaultTtlSeconds : given;
  const isLate = !isDecided(base) && request.state === "commit" && deadline <= nowUnix;
  const state = isLate ? "rollback" : request.state;
  const record: TxnRecord = {
    ...base,
    state,
    participants,
    expiresAtUnix: state === "pending" ? deadline : Math.max(deadline, nowUnix + retentionSeconds),
    tcTerm: Math.max(base.tcTerm, request.tcTerm),
    updatedAtUnix: nowUnix,
    ...(request.sends === true ? { sends: true as const } : {}),
    decidedAtMs: state === "pending" || isDecided(base) ? base.decidedAtMs : times.nowMs,
  };
  // D6: answered as for a stored rollback; with terms that is a conflict, and stays stored.
  return { kind: "recorded", record, changed: isNew || differs(base, record) };
}

function differs(before: TxnRecord, after: TxnRecord): boolean {
  if (before.state !== after.state || before.tcTerm !== after.tcTerm) return true;
  if (before.participants.length !== after.participants.length) return true;
  // A decision that is there already is not written again only to live a little longer.
  if (after.state !== "pending") return false;
  return before.expiresAtUnix !== after.expiresAtUnix || before.sends !== after.sends;
}
