import { markerParticipantsMax } from "../limits.ts";
import type { DecidedRecord, DecisionMarker } from "./txn-record.ts";

/** What is remembered of a decision once all participants have applied it. Pure. */
export function markerOf(
  record: DecidedRecord,
  times: { readonly nowUnix: number; readonly retentionSeconds: number },
): DecisionMarker {
  const { txnId, state, tcTerm, createdAtUnix, updatedAtUnix, participants } = record;
  return {
    txnId,
    state,
    tcTerm,
    createdAtUnix,
    decidedAtUnix: updatedAtUnix,
    expiresAtUnix: Math.max(record.expiresAtUnix, times.nowUnix + times.retentionSeconds),
    participants: participants
      .slice(0, markerParticipantsMax)
      .map((participant) => ({ ...participant, applied: true })),
  };
}
