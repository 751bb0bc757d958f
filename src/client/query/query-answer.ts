/** Answers of queries, index flushes and namespace calls. */
import { LockdProtocolError } from "../../api/errors.ts";
import type {
  FallbackEngine,
  IndexFlushResult,
  NamespaceConfig,
  QueryEnd,
  QueryEngine,
  QueryKeys,
} from "../../api/queries.ts";
import { type AnswerHeaders, headerDecimal, headerText } from "../answer-headers.ts";
import type { EndpointAnswer } from "../failover.ts";
import { JsonAnswer } from "../json-answer.ts";

/** The mode an answer is in: by its own word, else by its type. */
export function returnedMode(headers: AnswerHeaders): "keys" | "documents" {
  const mode = headerText(headers, "x-lockd-query-return")?.trim().toLowerCase();
  if (mode === "keys" || mode === "documents") return mode;
  const type = headerText(headers, "content-type") ?? "";
  return type.includes("ndjson") ? "documents" : "keys";
}

export function keysResult(answer: EndpointAnswer): QueryKeys {
  const { body, headers } = answer;
  if (!(body instanceof Uint8Array) || returnedMode(headers) !== "keys") {
    throw new LockdProtocolError("protocol", "the answer has documents where keys were asked for");
  }
  const json = new JsonAnswer(body);
  const end = queryEnd(headers);
  return {
    namespace: json.text("namespace"),
    keys: json.texts("keys"),
    cursor: json.textOr("cursor", end.cursor),
    indexSeq: json.integerOr("index_seq", end.indexSeq) || undefined,
    metadata: { ...end.metadata, ...json.textMembers("metadata") },
  };
}

/** What the headers of a keys answer or the trailers of a documents answer say. */
export function queryEnd(fields: AnswerHeaders): QueryEnd {
  const cursor = headerText(fields, "x-lockd-query-cursor")?.trim() ?? "";
  const seq = headerDecimal(fields, "x-lockd-query-index-seq") ?? 0;
  const metadata = headerText(fields, "x-lockd-query-metadata");
  return {
    cursor: cursor === "" ? undefined : cursor,
    indexSeq: seq === 0 ? undefined : seq,
    metadata:
      metadata === undefined
        ? {}
        : new JsonAnswer(Buffer.from(`{"metadata":${metadata}}`)).textMembers("metadata"),
  };
}

function smallJson({ body }: EndpointAnswer): JsonAnswer {
  if (body instanceof Uint8Array) return new JsonAnswer(body);
  throw new LockdProtocolError("protocol", "the answer is a stream where a document was expected");
}

export function flushResult(answer: EndpointAnswer): IndexFlushResult {
  const json = smallJson(answer);
  return {
    namespace: json.text("namespace"),
    mode: json.text("mode") === "async" ? "async" : "wait",
    flushed: json.flag("flushed") === true,
    pending: json.flag("pending") === true,
    indexSeq: json.integerOr("index_seq", 0) || undefined,
    flushId: json.textOr("flush_id", undefined),
  };
}

export function configResult(answer: EndpointAnswer): NamespaceConfig {
  const json = smallJson(answer);
  const query = json.object("query");
  const preferred = query?.text("preferred_engine");
  const fallback = query?.text("fallback_engine");
  if (!isEngine(preferred) || !isFallback(fallback)) {
    const found = `${preferred}, ${fallback}`;
    throw new LockdProtocolError("protocol", `the answer names unknown query engines: ${found}`);
  }
  return {
    namespace: json.text("namespace"),
    preferredEngine: preferred,
    fallbackEngine: fallback,
    etag: headerText(answer.headers, "etag")?.replace(/^"|"$/g, ""),
  };
}

function isEngine(word: string | undefined): word is QueryEngine {
  return word === "index" || word === "scan";
}

function isFallback(word: string | undefined): word is FallbackEngine {
  return word === "scan" || word === "none";
}
