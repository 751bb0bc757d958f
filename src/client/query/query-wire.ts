/** Queries as they go over the wire (query-and-lql.md sections 9 to 11). */
import type {
  IndexFlushRequest,
  NamespaceConfigRequest,
  QueryRequest,
  SetNamespaceConfigRequest,
} from "../../api/queries.ts";
import type { WireCall } from "../failover.ts";
import { jsonAnswerBytesMax } from "../limits.ts";
import { OutgoingBody } from "../outgoing-body.ts";
import { jsonBytes } from "../wire-request.ts";

type Details = Partial<WireCall> & { readonly operation: string };

function call(path: string, tryLimitMs: number, details: Details): WireCall {
  const headers: string[] = [];
  const size = details.body?.size;
  if (size !== undefined) {
    headers.push("content-type", "application/json", "content-length", String(size));
  }
  return {
    method: "POST",
    path,
    headers,
    body: undefined,
    repeatable: true,
    changes: false,
    tryLimitMs,
    collectBytesMax: jsonAnswerBytesMax,
    mayStream: false,
    ...details,
  };
}

/** `?a=b&c=d` of what is there; nothing when nothing is. */
function search(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => {
    const [, value] = pair;
    return value !== undefined && value.trim() !== "";
  });
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}

export function queryCall(
  request: QueryRequest,
  returns: "keys" | "documents",
  tryLimitMs: number,
): WireCall {
  const { namespace, engine, refresh, selector, limit, cursor, fields, returnMode } = request;
  const parameters = search({ namespace, engine, refresh, return: returnMode ?? returns });
  return call(`/v1/query${parameters}`, tryLimitMs, {
    operation: "query",
    body: new OutgoingBody(jsonBytes({ selector, limit, cursor, fields })),
    ...(returns === "documents" ? { mayStream: "always" as const } : {}),
  });
}

/** Repeating a flush does no harm, and it changes nothing that a caller could see. */
export function flushCall({ namespace, mode }: IndexFlushRequest, tryLimitMs: number): WireCall {
  return call(`/v1/index/flush${search({ namespace, mode })}`, tryLimitMs, {
    operation: "index flush",
  });
}

export function configCall({ namespace }: NamespaceConfigRequest, tryLimitMs: number): WireCall {
  return call(`/v1/namespace${search({ namespace })}`, tryLimitMs, {
    operation: "namespace get",
    method: "GET",
  });
}

export function setConfigCall(request: SetNamespaceConfigRequest, tryLimitMs: number): WireCall {
  const { namespace, query, ifMatch } = request;
  const wire = call("/v1/namespace", tryLimitMs, {
    operation: "namespace set",
    changes: true,
    body: new OutgoingBody(
      jsonBytes({
        namespace,
        query: query && {
          preferred_engine: query.preferredEngine,
          fallback_engine: query.fallbackEngine,
        },
      }),
    ),
  });
  const etag = ifMatch?.trim() ?? "";
  if (etag !== "") wire.headers.push("if-match", etag);
  return wire;
}
