import { markerParticipantsMax } from "../limits.ts";
import type { DecidedRecord, DecisionMarker } from "./txn-record.ts";

interface MarkerTimes {
  readonly nowUnix: number;
  readonly retentionSeconds: number;
}

/** What is remembered of a decision once all participants have applied it. Pure. */
export function markerOf(record: DecidedRecord, times: MarkerTimes): DecisionMarker {
  const participants = record.participants.map((one) => ({ ...one, applied: true }));
  return remembered({ ...record, participants }, times);
}

/** Of a decision that was given up: those it never reached are named first, and stay so. Pure. */
export function abandonedMarkerOf(record: DecidedRecord, times: MarkerTimes): DecisionMarker {
  const missing = record.participants.filter(({ applied }) => !applied);
  const reached = record.participants.filter(({ applied }) => applied);
  return remembered({ ...record, participants: [...missing, ...reached] }, times);
}

function remembered(record: DecidedRecord, times: MarkerTimes): DecisionMarker {
  const { txnId, state, tcTerm, createdAtUnix, decidedAtMs, participants } = record;
  return {
    txnId,
    state,
    tcTerm,
    createdAtUnix,
    decidedAtUnix: Math.floor(decidedAtMs / 1000),
    expiresAtUnix: Math.max(record.expiresAtUnix, times.nowUnix + times.retentionSeconds),
    participants: participants.slice(0, markerParticipantsMax),
  };
}
