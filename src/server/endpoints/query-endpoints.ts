/** query and index flush (query-and-lql.md sections 9 and 11.1). */
import type { Lockd } from "../../api/lockd.ts";
import type { QueryDocuments, QueryEnd, QueryRequest } from "../../api/queries.ts";
import { decodeFields, type FieldKinds } from "../../api/wire.ts";
import type { Exchange } from "../exchange.ts";
import { flushBodyBytesMax } from "../limits.ts";
import { methodNotAllowed } from "../method-not-allowed.ts";
import { collectText } from "../request-body.ts";
import type { Routes } from "../route.ts";
import { RowWriter } from "../row-writer.ts";
import { nonEmpty } from "./lease-endpoints.ts";
import { askedQuery } from "./query-request.ts";

const trailerNames = "X-Lockd-Query-Cursor, X-Lockd-Query-Index-Seq, X-Lockd-Query-Metadata";

async function query(lockd: Lockd, exchange: Exchange): Promise<void> {
  const { request, returns } = await askedQuery(exchange);
  if (returns === "keys") await answerKeys(lockd, exchange, request);
  else await answerDocuments(exchange, await lockd.queries.documents(request, exchange));
}

async function answerKeys(lockd: Lockd, exchange: Exchange, request: QueryRequest): Promise<void> {
  const result = await lockd.queries.keys(request, exchange);
  const { namespace, keys, cursor, indexSeq, metadata } = result;
  const json = JSON.stringify({
    namespace,
    keys,
    cursor,
    index_seq: indexSeq,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  });
  const headers = ["X-Lockd-Query-Return", "keys"];
  for (const [name, value] of endFields(result)) headers.push(name, value);
  exchange.json(200, json, headers);
}

/**
 * The head goes out with the first row, so that a failure before it is an ordinary answer. A
 * failure after it reaches the router, which cuts the connection: no short page passes for a whole.
 */
async function answerDocuments(exchange: Exchange, documents: QueryDocuments): Promise<void> {
  const { response } = exchange;
  const rows = documents[Symbol.asyncIterator]();
  const writer = new RowWriter(exchange);
  try {
    let row = await rows.next();
    const headers = ["Content-Type", "application/x-ndjson", "X-Lockd-Query-Return", "documents"];
    // HTTP/1.0 knows no trailers; its clients get the rows, and the end of the connection behind.
    const hasTrailers = exchange.request.httpVersion !== "1.0";
    if (hasTrailers) headers.push("Trailer", trailerNames);
    if (response.destroyed) return;
    response.writeHead(200, exchange.head(headers, undefined));
    for (; row.done !== true; row = await rows.next()) await writer.write(row.value);
    await writer.flush();
    const { end } = documents;
    if (end !== undefined && hasTrailers) response.addTrailers(endFields(end));
    response.end();
  } finally {
    writer.abandon();
    await documents.close();
  }
}

/** Headers of a keys answer, trailers of a documents answer; what is empty is left out. */
function endFields({ cursor, indexSeq, metadata }: QueryEnd): [name: string, value: string][] {
  const fields: [name: string, value: string][] = [];
  if (cursor !== undefined) fields.push(["X-Lockd-Query-Cursor", cursor]);
  if (indexSeq !== undefined) fields.push(["X-Lockd-Query-Index-Seq", String(indexSeq)]);
  if (Object.keys(metadata).length > 0) {
    fields.push(["X-Lockd-Query-Metadata", JSON.stringify(metadata)]);
  }
  return fields;
}

const flushFields = { namespace: "string", mode: "string" } as const satisfies FieldKinds;

async function flush(lockd: Lockd, exchange: Exchange): Promise<void> {
  if (exchange.request.method !== "POST") return methodNotAllowed(exchange, "POST");
  const text = await collectText(exchange, flushBodyBytesMax, "invalid_body");
  const body = text.trim() === "" ? {} : decodeFields(text, flushFields, "invalid_body");
  const result = await lockd.queries.flushIndex(
    {
      namespace: nonEmpty(exchange.query.get("namespace")) ?? body.namespace,
      mode: nonEmpty(exchange.query.get("mode")) ?? body.mode,
    },
    exchange,
  );
  const { namespace, mode, flushed, pending, indexSeq, flushId } = result;
  const json = JSON.stringify({
    namespace,
    mode,
    accepted: true,
    flushed,
    pending,
    index_seq: indexSeq,
    flush_id: flushId,
  });
  exchange.json(mode === "async" ? 202 : 200, json, []);
}

export const queryRoutes: Routes = {
  "/v1/query": { operation: "query", run: query },
  "/v1/index/flush": { operation: "index.flush", run: flush },
};
