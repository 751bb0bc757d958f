/** How transactions look in JSON: on the wire and on the command line alike. */
import type {
  TxnExplanation,
  TxnListResult,
  TxnParticipantStatus,
  TxnSummary,
} from "./transactions.ts";

export function listJson({ transactions, damaged, cursor }: TxnListResult) {
  return {
    transactions: transactions.map(summaryJson),
    damaged: damaged.map(({ txnId, detail }) => ({ txn_id: txnId, detail })),
    cursor,
  };
}

function summaryJson(txn: TxnSummary) {
  return {
    txn_id: txn.txnId,
    state: txn.state,
    participants: txn.participants.map(participantJson),
    created_at_unix: txn.createdAtUnix,
    updated_at_unix: txn.updatedAtUnix,
    expires_at_unix: txn.expiresAtUnix,
    tc_term: txn.tcTerm === 0 ? undefined : txn.tcTerm,
    in_doubt: txn.inDoubt,
  };
}

export function explanationJson(txn: TxnExplanation) {
  return {
    txn_id: txn.txnId,
    state: txn.state,
    record: txn.record,
    participants: txn.participants.map((participant) => ({
      ...participantJson(participant),
      now: participant.now,
      owner: participant.owner,
      lease_expires_at_unix: participant.leaseExpiresAtUnix,
      fencing_token: participant.fencingToken,
    })),
    created_at_unix: txn.createdAtUnix,
    decided_at_unix: txn.decidedAtUnix,
    expires_at_unix: txn.expiresAtUnix,
    tc_term: txn.tcTerm === 0 ? undefined : txn.tcTerm,
    story: txn.story,
  };
}

function participantJson({ namespace, key, backendHash, applied }: TxnParticipantStatus) {
  return { namespace, key, backend_hash: backendHash === "" ? undefined : backendHash, applied };
}
