/** A query request, checked in the order of query-and-lql.md section 9.2 (steps 4 to 10). */
import { failure } from "../../api/errors.ts";
import { type Namespace, normalizeNamespace } from "../../api/names.ts";
import type { QueryEngine, QueryRequest } from "../../api/queries.ts";
import { parseReturnMode } from "../../api/query-words.ts";
import { checkSelector } from "../../lql/selector/check-selector.ts";
import type { CheckedSelector } from "../../lql/selector/selector.ts";
import { queryRowsDefault, queryRowsMax } from "../limits.ts";

export interface CheckedQuery {
  readonly namespace: Namespace;
  readonly selector: CheckedSelector;
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly engine: QueryEngine | "auto";
  readonly waitsForIndex: boolean;
}

export function checkQuery(request: QueryRequest, defaultNamespace: string): CheckedQuery {
  const selector = checkSelector(request.selector);
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  checkFields(request.fields);
  const engine = engineOf(request.engine);
  if (request.returnMode !== undefined) parseReturnMode(request.returnMode);
  const waitsForIndex = refreshOf(request.refresh);
  return {
    namespace,
    selector,
    limit: rowsOf(request.limit),
    cursor: request.cursor,
    engine,
    waitsForIndex,
  };
}

function checkFields(fields: unknown): void {
  if (fields === undefined || fields === null) return;
  if (typeof fields === "object" && !Array.isArray(fields)) return;
  throw failure("invalid_fields", "fields must be a JSON object; it has no effect yet");
}

function engineOf(text: string | undefined): QueryEngine | "auto" {
  const word = text?.trim().toLowerCase() ?? "";
  if (word === "" || word === "auto") return "auto";
  if (word === "index" || word === "scan") return word;
  throw failure("invalid_engine", `engine "${word.slice(0, 40)}" must be auto, index or scan`);
}

function refreshOf(text: string | undefined): boolean {
  const word = text?.trim().toLowerCase() ?? "";
  if (word === "") return false;
  if (word === "wait_for" || word === "wait-for") return true;
  throw failure("invalid_refresh", `refresh "${word.slice(0, 40)}" must be wait_for or left out`);
}

function rowsOf(limit: number | undefined): number {
  if (limit === undefined || !(limit > 0)) return queryRowsDefault;
  return Math.min(Math.ceil(limit), queryRowsMax);
}
