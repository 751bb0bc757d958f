/** Requests about transactions, checked in the order of transactions-and-islands.md section 10. */
import { failure } from "../../api/errors.ts";
import { isXidText, normalizeNamespace } from "../../api/names.ts";
import type {
  ApplyRequest,
  DecideRequest,
  TxnListRequest,
  TxnParticipant,
} from "../../api/transactions.ts";
import { txnListDefault, txnListMax } from "../limits.ts";
import type { DecisionRequest } from "./decide-txn.ts";
import type { Participant, TxnRecord } from "./txn-record.ts";

const stateOfWord: Readonly<Record<string, TxnRecord["state"]>> = {
  pending: "pending",
  prepare: "pending",
  commit: "commit",
  rollback: "rollback",
};

/** @throws missing_txn_id, invalid_txn_id */
export function checkTxnId(raw: string | undefined): string {
  const txnId = raw?.trim() ?? "";
  if (txnId === "") throw failure("missing_txn_id", "no transaction id given");
  if (!isXidText(txnId)) {
    throw failure("invalid_txn_id", `"${txnId.slice(0, 40)}" is not an xid`);
  }
  return txnId;
}

/** @throws invalid_state, invalid_namespace, invalid_key, invalid_backend_hash, invalid_body */
export function checkDecide(request: DecideRequest): DecisionRequest {
  const txnId = checkTxnId(request.txnId);
  const state = stateOfWord[request.state?.trim().toLowerCase() ?? ""];
  if (state === undefined) {
    const shown = request.state?.slice(0, 40) ?? "";
    throw failure("invalid_state", `"${shown}" is no state; use pending, commit or rollback`);
  }
  return { txnId, state, ...checkedRest(request) };
}

export function checkApply(
  state: "commit" | "rollback",
  request: ApplyRequest,
): DecisionRequest & { readonly state: "commit" | "rollback" } {
  return { txnId: checkTxnId(request.txnId), state, ...checkedRest(request) };
}

function checkedRest(
  request: DecideRequest,
): Pick<DecisionRequest, "participants" | "expiresAtUnix" | "tcTerm"> {
  const tcTerm = positive(request.tcTerm, "the term");
  const expiresAtUnix = positive(request.expiresAtUnix, "the expiry");
  return {
    participants: (request.participants ?? []).map(checkParticipant),
    expiresAtUnix,
    tcTerm,
  };
}

/** A whole number above 0; 0 when absent. */
function positive(raw: number | string | undefined, what: string): number {
  if (raw === undefined || raw === "") return 0;
  const value = typeof raw === "number" ? raw : /^\d+$/.test(raw.trim()) ? Number(raw) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < 0) {
    throw failure("invalid_body", `${what} must be a whole number from 0 to 2^53-1`);
  }
  return value;
}

/** Keys are taken verbatim: they are names that were normalised before. */
function checkParticipant(raw: TxnParticipant): Participant {
  const given = raw.namespace?.trim() ?? "";
  if (given === "") throw failure("invalid_namespace", "a participant without a namespace");
  const namespace = normalizeNamespace(given, given);
  const key = raw.key ?? "";
  if (key.trim() === "") throw failure("invalid_key", "a participant without a key");
  const backendHash = raw.backendHash ?? "";
  if (backendHash !== "" && backendHash.trim() === "") {
    throw failure("invalid_backend_hash", `the backend hash of ${namespace}/${key} is blank`);
  }
  return { backendHash: backendHash.trim(), namespace, key, applied: false };
}

export interface CheckedList {
  readonly state: TxnRecord["state"] | undefined;
  readonly inDoubt: boolean;
  readonly after: string | undefined;
  readonly limit: number;
}

/** @throws invalid_state, invalid_body */
export function checkList(request: TxnListRequest): CheckedList {
  const word = request.state?.trim().toLowerCase() ?? "";
  const state = word === "" ? undefined : stateOfWord[word];
  if (word !== "" && state === undefined) {
    throw failure("invalid_state", `"${word.slice(0, 40)}" is no state of a transaction`);
  }
  const limit = request.limit ?? txnListDefault;
  if (!Number.isInteger(limit) || limit < 1 || limit > txnListMax) {
    throw failure("invalid_body", `the limit must be 1 to ${txnListMax}`);
  }
  return { state, inDoubt: request.inDoubt ?? false, after: request.cursor, limit };
}
