/** Transactions as they go over the wire (transactions-and-islands.md section 10). */
import type { ApplyRequest, DecideRequest, TxnListRequest } from "../../api/transactions.ts";
import type { WireCall } from "../failover.ts";
import { jsonAnswerBytesMax, txnListAnswerBytesMax } from "../limits.ts";
import { OutgoingBody } from "../outgoing-body.ts";
import { jsonBytes } from "../wire-request.ts";

interface TxnIdRequest {
  readonly txnId?: string | undefined;
}

export function decideCall(request: DecideRequest, tryLimitMs: number): WireCall {
  const body = { ...decisionBody(request), state: request.state };
  return post("/v1/txn/decide", "decide", { body, tryLimitMs });
}

export function applyCall(
  state: "commit" | "rollback",
  request: ApplyRequest,
  tryLimitMs: number,
): WireCall {
  const body = {
    ...decisionBody(request),
    target_backend_hash: request.targetBackendHash,
  };
  return post(`/v1/txn/${state}`, `apply ${state}`, { body, tryLimitMs });
}

export function replayCall({ txnId }: TxnIdRequest, tryLimitMs: number): WireCall {
  return post("/v1/txn/replay", "replay", { body: { txn_id: txnId }, tryLimitMs });
}

export function listCall(request: TxnListRequest, tryLimitMs: number): WireCall {
  const { state, inDoubt, cursor, limit } = request;
  const parameters = {
    state,
    in_doubt: inDoubt === true ? "1" : undefined,
    cursor,
    limit: limit === undefined ? undefined : String(limit),
  };
  return read(`/v1/x/txn/list${search(parameters)}`, "list transactions", tryLimitMs);
}

export function explainCall({ txnId }: TxnIdRequest, tryLimitMs: number): WireCall {
  return read(`/v1/x/txn/explain${search({ txn_id: txnId })}`, "explain", tryLimitMs);
}

function decisionBody(request: DecideRequest) {
  return {
    txn_id: request.txnId,
    participants: request.participants?.map(({ namespace, key, backendHash }) => ({
      namespace,
      key,
      backend_hash: backendHash,
    })),
    expires_at_unix: request.expiresAtUnix,
    // A term is a JSON number on the wire; one that is no number is the server's to refuse.
    tc_term: typeof request.tcTerm === "string" ? Number(request.tcTerm) : request.tcTerm,
  };
}

function post(
  path: string,
  operation: string,
  { body, tryLimitMs }: { readonly body: object; readonly tryLimitMs: number },
): WireCall {
  const outgoing = new OutgoingBody(jsonBytes(body));
  const headers = ["content-type", "application/json", "content-length", String(outgoing.size)];
  return {
    ...read(path, operation, tryLimitMs),
    method: "POST",
    headers,
    body: outgoing,
    changes: true,
    collectBytesMax: jsonAnswerBytesMax,
  };
}

function read(path: string, operation: string, tryLimitMs: number): WireCall {
  return {
    operation,
    method: "GET",
    path,
    headers: [],
    body: undefined,
    repeatable: true,
    changes: false,
    tryLimitMs,
    collectBytesMax: txnListAnswerBytesMax,
    mayStream: false,
  };
}

function search(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "",
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
