/** Codes of mutations, attachments, queries, namespaces and the index. */
import { conflict, type ErrorEntry, exitCodes, local, notFound, rejected } from "./error-entry.ts";

export const documentErrors = {
  invalid_mutations: rejected(
    "a mutation expression does not parse, or reads a local file",
    "fix the expression at the position named; file values only work locally",
  ),
  invalid_lql: local(
    exitCodes.usage,
    "the LQL text does not parse",
    "fix it at the position named; see docs/lql.md",
  ),
  invalid_document: local(
    exitCodes.usage,
    "the input is not one JSON object",
    "give one JSON object, or nothing for an empty one",
  ),
  context_canceled: {
    status: 408,
    exit: exitCodes.timeout,
    retryable: true,
    meaning: "the caller went away while the document was being changed; nothing was",
    next: "send it again",
  },
  missing_attachment: rejected(
    "the attachment is not named",
    "give the name, or the id where one attachment is read or deleted",
  ),
  invalid_attachment: rejected(
    "the attachment's name or content type cannot be kept",
    "use a name of at most 1024 bytes of UTF-8 and a content type of at most 255 ASCII characters",
  ),
  invalid_max_bytes: rejected(
    "max_bytes is not an integer of at least 0",
    "pass a decimal number of bytes; 0 means no limit",
  ),
  attachment_not_found: notFound(
    "the key has no such attachment in this view",
    "list the attachments; staged ones are visible to the holder only",
  ),
  attachment_too_large: {
    status: 413,
    exit: exitCodes.rejected,
    retryable: false,
    meaning: "the attachment is above its limit; nothing was staged",
    next: "raise max_bytes, or pass 0 for no limit",
  },
  too_many_attachments: rejected(
    "the key has as many attachments as a key may have",
    "delete some, or spread them over several keys",
  ),
  invalid_selector: rejected(
    "the selector does not parse or has a wrong member",
    "fix it at the place named; see docs/lql.md for the forms",
  ),
  invalid_cursor: rejected(
    "the cursor is damaged or of another engine",
    "start again without a cursor, or name the engine that gave it",
  ),
  invalid_fields: rejected("fields is not a JSON object", "leave it out; it has no effect yet"),
  invalid_engine: rejected("the query engine is unknown", "use auto, index or scan"),
  invalid_return: rejected("the return mode is unknown", "use keys or documents"),
  invalid_refresh: rejected("the refresh mode is unknown", "use wait_for or leave it out"),
  query_engine_unavailable: rejected(
    "the namespace's configuration does not allow this query engine, or it is not there",
    "see `lockd namespace get`; use --engine auto or allow a fallback",
  ),
  query_disabled: {
    status: 501,
    exit: exitCodes.error,
    retryable: false,
    meaning: "this server answers no queries",
    next: "use a server that does",
  },
  invalid_mode: rejected("the flush mode is unknown", "use wait or async"),
  index_flush_busy: conflict(
    "as many namespaces are being flushed as may be at once",
    "try again when one is done, or use mode wait",
  ),
  index_unavailable: {
    status: 501,
    exit: exitCodes.error,
    retryable: false,
    meaning: "the store has no index",
    next: "use the scan engine",
  },
  invalid_namespace_request: rejected(
    "the namespace configuration has no query part or an unknown engine",
    'send {"query":{"preferred_engine":"index"|"scan","fallback_engine":"none"|"scan"}}',
  ),
  namespace_config_conflict: conflict(
    "the namespace configuration has another etag than expected",
    "read it again and repeat the change",
  ),
  namespace_config_unavailable: {
    status: 501,
    exit: exitCodes.error,
    retryable: false,
    meaning: "this server keeps no namespace configuration",
    next: "use a server that does",
  },
} as const satisfies Record<string, ErrorEntry>;
