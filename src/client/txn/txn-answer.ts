/** Answers of transaction calls. */
import { LockdProtocolError } from "../../api/errors.ts";
import type {
  TxnExplanation,
  TxnListResult,
  TxnParticipantStatus,
  TxnResult,
  TxnState,
} from "../../api/transactions.ts";
import type { EndpointAnswer } from "../failover.ts";
import { JsonAnswer } from "../json-answer.ts";
import { smallBody } from "../wire-answer.ts";

export function txnResult(answer: EndpointAnswer): TxnResult {
  const json = new JsonAnswer(smallBody(answer));
  return { txnId: json.text("txn_id"), state: stateOf(json) };
}

export function listResult(answer: EndpointAnswer): TxnListResult {
  const json = new JsonAnswer(smallBody(answer));
  return {
    transactions: json.objects("transactions").map((txn) => ({
      txnId: txn.text("txn_id"),
      state: stateOf(txn),
      participants: txn.objects("participants").map(participantOf),
      createdAtUnix: txn.integerOr("created_at_unix", 0),
      updatedAtUnix: txn.integerOr("updated_at_unix", 0),
      expiresAtUnix: txn.integerOr("expires_at_unix", 0),
      tcTerm: txn.integerOr("tc_term", 0),
      inDoubt: txn.flag("in_doubt") === true,
    })),
    // A server from before told of none: there its list failed.
    damaged: json.objects("damaged").map((one) => ({
      txnId: one.text("txn_id"),
      detail: one.textOr("detail", ""),
    })),
    cursor: json.textOr("cursor", undefined),
  };
}

export function explanation(answer: EndpointAnswer): TxnExplanation {
  const json = new JsonAnswer(smallBody(answer));
  return {
    txnId: json.text("txn_id"),
    state: stateOf(json),
    record: json.text("record") === "finished" ? "finished" : "recorded",
    participants: json.objects("participants").map((participant) => ({
      ...participantOf(participant),
      now: participant.textOr("now", ""),
      owner: participant.textOr("owner", undefined),
      leaseExpiresAtUnix: participant.integerOr("lease_expires_at_unix", undefined),
      fencingToken: participant.integerOr("fencing_token", undefined),
    })),
    createdAtUnix: json.integerOr("created_at_unix", undefined),
    decidedAtUnix: json.integerOr("decided_at_unix", undefined),
    expiresAtUnix: json.integerOr("expires_at_unix", 0),
    tcTerm: json.integerOr("tc_term", 0),
    story: json.texts("story"),
  };
}

function participantOf(json: JsonAnswer): TxnParticipantStatus {
  return {
    namespace: json.text("namespace"),
    key: json.text("key"),
    backendHash: json.textOr("backend_hash", ""),
    applied: json.flag("applied") === true,
  };
}

function stateOf(json: JsonAnswer): TxnState {
  const state = json.text("state");
  if (state === "pending" || state === "commit" || state === "rollback") return state;
  throw new LockdProtocolError("protocol", `the answer names an unknown state: ${state}`);
}
