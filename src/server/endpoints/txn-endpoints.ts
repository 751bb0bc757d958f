/** Transactions (transactions-and-islands.md section 10), and two questions about them. */
import { failure } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import type { ApplyRequest, TxnParticipant, TxnResult } from "../../api/transactions.ts";
import { explanationJson, listJson } from "../../api/transactions-json.ts";
import type { Exchange } from "../exchange.ts";
import { LenientFields, lenientFields } from "../lenient-body.ts";
import { txnBodyBytesMax } from "../limits.ts";
import { methodNotAllowed } from "../method-not-allowed.ts";
import { collectText } from "../request-body.ts";
import type { Route, Routes } from "../route.ts";
import { nonEmpty } from "./lease-endpoints.ts";

async function decide(lockd: Lockd, exchange: Exchange): Promise<void> {
  const body = await bodyOf(exchange);
  const state = nonEmpty(body.text("state")) ?? exchange.query.get("state");
  const request = { ...decisionOf(exchange, body), state };
  answer(exchange, await lockd.transactions.decide(request, exchange));
}

function apply(state: "commit" | "rollback"): Route["run"] {
  return async (lockd, exchange) => {
    const body = await bodyOf(exchange);
    const request = decisionOf(exchange, body);
    answer(exchange, await lockd.transactions.apply(state, request, exchange));
  };
}

async function replay(lockd: Lockd, exchange: Exchange): Promise<void> {
  const text = await collectText(exchange, txnBodyBytesMax, "invalid_body");
  if (text.trim() === "") {
    throw failure("invalid_body", 'the body is empty; send {"txn_id": "..."}');
  }
  const txnId = txnIdOf(exchange, lenientFields(text));
  answer(exchange, await lockd.transactions.replay({ txnId }, exchange));
}

async function list(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const { query } = exchange;
  const limit = nonEmpty(query.get("limit"));
  const page = await lockd.transactions.list(
    {
      state: nonEmpty(query.get("state")),
      inDoubt: query.flag("in_doubt"),
      cursor: nonEmpty(query.get("cursor")),
      limit: limit === undefined ? undefined : Number(limit),
    },
    exchange,
  );
  send(exchange, listJson(page));
}

async function explain(lockd: Lockd, exchange: Exchange): Promise<void> {
  exchange.request.resume();
  const txnId = exchange.query.get("txn_id");
  send(exchange, explanationJson(await lockd.transactions.explain({ txnId }, exchange)));
}

/** An empty body says nothing; the query may. */
async function bodyOf(exchange: Exchange): Promise<LenientFields> {
  const text = await collectText(exchange, txnBodyBytesMax, "invalid_body");
  return text.trim() === "" ? new LenientFields({}) : lenientFields(text);
}

function txnIdOf(exchange: Exchange, body: LenientFields): string | undefined {
  return nonEmpty(body.text("txn_id")) ?? exchange.query.get("txn_id");
}

function decisionOf(exchange: Exchange, body: LenientFields): Omit<ApplyRequest, "state"> {
  return {
    txnId: txnIdOf(exchange, body),
    participants: body.objects("participants")?.map(participantOf),
    expiresAtUnix: body.integer("expires_at_unix"),
    tcTerm: body.integer("tc_term"),
    targetBackendHash: body.text("target_backend_hash"),
  };
}

function participantOf(fields: LenientFields): TxnParticipant {
  return {
    namespace: fields.text("namespace"),
    key: fields.text("key"),
    backendHash: fields.text("backend_hash"),
  };
}

function answer(exchange: Exchange, { txnId, state }: TxnResult): void {
  send(exchange, { txn_id: txnId, state });
}

function send(exchange: Exchange, value: unknown): void {
  exchange.json(200, `${JSON.stringify(value)}\n`, []);
}

function only(method: "GET" | "POST", run: Route["run"]): Route["run"] {
  return async (lockd, exchange) => {
    if (exchange.request.method === method) await run(lockd, exchange);
    else methodNotAllowed(exchange, method);
  };
}

export const txnRoutes: Routes = {
  "/v1/txn/decide": { operation: "txn.decide", run: only("POST", decide) },
  "/v1/txn/commit": { operation: "txn.commit", run: only("POST", apply("commit")) },
  "/v1/txn/rollback": { operation: "txn.rollback", run: only("POST", apply("rollback")) },
  "/v1/txn/replay": { operation: "txn.replay", run: only("POST", replay) },
  "/v1/x/txn/list": { operation: "txn.list", run: only("GET", list) },
  "/v1/x/txn/explain": { operation: "txn.explain", run: only("GET", explain) },
};
