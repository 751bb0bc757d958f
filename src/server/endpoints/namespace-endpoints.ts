/** How a namespace is searched (http-core.md section 10.11). */
import { failure } from "../../api/errors.ts";
import type { Lockd } from "../../api/lockd.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type { NamespaceConfig, SetNamespaceConfigRequest } from "../../api/queries.ts";
import { decodeFields, type FieldKinds } from "../../api/wire.ts";
import type { Exchange } from "../exchange.ts";
import { namespaceBodyBytesMax } from "../limits.ts";
import { methodNotAllowed } from "../method-not-allowed.ts";
import { collectText } from "../request-body.ts";
import type { Routes } from "../route.ts";
import { nonEmpty } from "./lease-endpoints.ts";

async function namespace(lockd: Lockd, exchange: Exchange): Promise<void> {
  switch (exchange.request.method) {
    case "GET":
      exchange.request.resume();
      return answer(
        exchange,
        await lockd.queries.namespaceConfig(
          { namespace: exchange.query.get("namespace") },
          exchange,
        ),
      );
    case "POST":
    case "PUT":
      return answer(exchange, await change(lockd, exchange));
    default:
      return methodNotAllowed(exchange, "GET, POST, PUT");
  }
}

async function change(lockd: Lockd, exchange: Exchange): Promise<NamespaceConfig> {
  const inQuery = nonEmpty(exchange.query.get("namespace"));
  // Looked at before the body although the body wins: only whether it is well formed.
  if (inQuery !== undefined) normalizeNamespace(inQuery, "");
  const text = await collectText(exchange, namespaceBodyBytesMax, "invalid_body");
  const body = bodyOf(text);
  const ifMatch = exchange.header("if-match");
  const request = { ...body, namespace: nonEmpty(body.namespace) ?? inQuery, ifMatch };
  return await lockd.queries.setNamespaceConfig(request, exchange);
}

const engineFields = {
  preferred_engine: "string",
  fallback_engine: "string",
} as const satisfies FieldKinds;

function bodyOf(text: string): Pick<SetNamespaceConfigRequest, "namespace" | "query"> {
  const members = objectOf(text);
  for (const name of Object.keys(members)) {
    if (name !== "namespace" && name !== "query") {
      throw failure("invalid_body", `unknown field "${name.slice(0, 60)}" in the body`);
    }
  }
  const { namespace: given, query } = members;
  if (given !== undefined && given !== null && typeof given !== "string") {
    throw failure("invalid_body", 'field "namespace" must be a string');
  }
  if (
    query !== undefined &&
    query !== null &&
    (typeof query !== "object" || Array.isArray(query))
  ) {
    throw failure("invalid_body", 'field "query" must be an object');
  }
  if (query === undefined || query === null) return { namespace: given ?? undefined };
  const engines = decodeFields(JSON.stringify(query), engineFields, "invalid_body");
  return {
    namespace: given ?? undefined,
    query: {
      preferredEngine: engines.preferred_engine,
      fallbackEngine: engines.fallback_engine,
    },
  };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw failure("invalid_body", "the body is not one JSON object", { cause });
  }
  if (value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw failure("invalid_body", "the body must be one JSON object");
}

function answer(exchange: Exchange, config: NamespaceConfig): void {
  const json = JSON.stringify({
    namespace: config.namespace,
    query: { preferred_engine: config.preferredEngine, fallback_engine: config.fallbackEngine },
  });
  exchange.json(200, json, config.etag === undefined ? [] : ["ETag", config.etag]);
}

export const namespaceRoutes: Routes = {
  "/v1/namespace": { operation: "namespace", run: namespace },
};
