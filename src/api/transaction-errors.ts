/** Codes of transactions and their coordinators. */
import {
  conflict,
  type ErrorEntry,
  exitCodes,
  notFound,
  rejected,
  unavailable,
} from "./error-entry.ts";

export const transactionErrors = {
  missing_txn_id: rejected("no transaction id was given", "pass the txn_id of the transaction"),
  invalid_txn_id: rejected(
    "the transaction id is not an xid",
    "pass 20 characters of 0-9 a-v, the last one 0 or g",
  ),
  invalid_state: rejected(
    "the requested state of the transaction is unknown",
    "use pending, commit or rollback",
  ),
  invalid_backend_hash: rejected(
    "a participant's backend hash is blank",
    "leave it out for this island, or pass the hash of another",
  ),
  invalid_idempotency_key: rejected(
    "the idempotency key is too short, too long or not plain ASCII",
    "use 16 to 128 visible ASCII characters that nobody can guess",
  ),
  idempotency_conflict: conflict(
    "the idempotency key was used for another request, or for a lease that was released",
    "use a new idempotency key for a new request",
  ),
  txn_not_found: notFound(
    "nothing is known of this transaction",
    "check the id; decisions are kept for the retention time only",
  ),
  txn_pending: {
    status: 409,
    exit: exitCodes.conflict,
    retryable: true,
    meaning: "the transaction is not decided yet",
    next: "decide it, or wait until it expires",
  },
  txn_conflict: conflict(
    "the transaction is already decided the other way, or decided when it should still grow",
    "see `lockd txn explain ID`; start a new transaction",
  ),
  txn_backend_mismatch: conflict(
    "the request is for another island",
    "send it to a server of the island it names",
  ),
  tc_term_required: rejected(
    "the transaction was decided under a term and the request names none",
    "decide through the coordinator",
  ),
  tc_term_stale: conflict("the term is older than one already seen", "ask the present leader"),
  tc_not_leader: conflict("this node does not lead", "ask the leader the answer names"),
  tc_unavailable: unavailable(
    503,
    "there is no coordinator to ask; the outcome is open",
    "send the same request again",
  ),
  txn_coordinator_unavailable: unavailable(
    503,
    "the coordinator of this node could not be set up",
    "see the server's log",
  ),
  txn_fanout_failed: {
    status: 502,
    exit: exitCodes.unavailable,
    retryable: true,
    meaning: "the decision stands, but not every island has applied it yet",
    next: "nothing needs to be done; the same request again tells whether it is through",
  },
  backend_hash_unavailable: unavailable(
    503,
    "this node does not know the hash of its own island",
    "check the store",
  ),
} as const satisfies Record<string, ErrorEntry>;
