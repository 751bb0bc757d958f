/** What a query asks for, out of URL and body (query-and-lql.md section 9.1). */
import { failure } from "../../api/errors.ts";
import type { QueryRequest } from "../../api/queries.ts";
import { parseReturnMode } from "../../api/query-words.ts";
import { parseKeepingDigits } from "../../lql/json/parse-keeping-digits.ts";
import { selectorOfParameters } from "../../lql/selector/selector-parameters.ts";
import type { Exchange } from "../exchange.ts";
import { queryBodyBytesMax } from "../limits.ts";
import type { Query } from "../query-string.ts";
import { collectText } from "../request-body.ts";

export interface AskedQuery {
  readonly request: QueryRequest;
  /** As far as the mode is known; an unknown one is refused by the engine in its turn. */
  readonly returns: "keys" | "documents";
}

interface QueryBody {
  readonly namespace: string | undefined;
  readonly cursor: string | undefined;
  readonly limit: number | undefined;
  readonly returnMode: "keys" | "documents";
  readonly selector: unknown;
  readonly fields: unknown;
}

/** @throws invalid_body, invalid_return, invalid_selector */
export async function askedQuery(exchange: Exchange): Promise<AskedQuery> {
  const { query } = exchange;
  const text = await collectText(exchange, queryBodyBytesMax, "invalid_body");
  const body = bodyOf(text);
  const returnMode = nonBlank(query.get("return"));
  const request: QueryRequest = {
    namespace: nonBlank(query.get("namespace")) ?? body.namespace,
    selector: selectorOf(query, body),
    limit: limitOf(query.get("limit")) ?? body.limit,
    cursor: nonBlank(query.get("cursor")) ?? body.cursor,
    fields: fieldsOf(query.get("fields")) ?? body.fields,
    engine: query.get("engine"),
    refresh: query.get("refresh"),
    returnMode,
  };
  return { request, returns: knownMode(returnMode) ?? body.returnMode };
}

function nonBlank(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text;
}

function bodyOf(text: string): QueryBody {
  const members = text.trim() === "" ? {} : objectOf(text);
  const { namespace, cursor, limit, selector, fields } = members;
  const { return: mode } = members;
  return {
    namespace: textOf("namespace", namespace),
    cursor: textOf("cursor", cursor),
    limit: integerOf("limit", limit),
    returnMode: parseReturnMode(textOf("return", mode)),
    selector: selector ?? undefined,
    fields: fields ?? undefined,
  };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseKeepingDigits(text);
  } catch (cause) {
    throw failure("invalid_body", "the body is not one JSON value", { cause });
  }
  if (value === null) return {};
  if (typeof value === "object" && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw failure("invalid_body", "the body must be one JSON object");
}

function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return nonBlank(value);
  throw failure("invalid_body", `field "${name}" must be a string`);
}

function integerOf(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw failure("invalid_body", `field "${name}" must be an integer literal`);
}

/** The parameter, else the body's, else what is spread over the parameters (section 4). */
function selectorOf(query: Query, body: QueryBody): unknown {
  const parameter = nonBlank(query.get("selector"));
  if (parameter !== undefined) {
    try {
      return parseKeepingDigits(parameter);
    } catch (cause) {
      const form = '{"eq":{"field":"/status","value":"open"}}';
      const detail = `the selector parameter is not the JSON form of a selector: ${form}`;
      throw failure("invalid_selector", detail, { cause });
    }
  }
  return isEmpty(body.selector) ? selectorOfParameters(query.entries()) : body.selector;
}

function isEmpty(selector: unknown): boolean {
  if (selector === undefined || selector === null) return true;
  const isObject = typeof selector === "object" && !Array.isArray(selector);
  return isObject && Object.keys(selector).length === 0;
}

/** What is not JSON is passed on as the text that it is: no object, and refused as such. */
function fieldsOf(text: string | undefined): unknown {
  const given = nonBlank(text);
  if (given === undefined) return undefined;
  try {
    return JSON.parse(given);
  } catch {
    return given;
  }
}

/** An unparsable limit is ignored. */
function limitOf(text: string | undefined): number | undefined {
  const given = text?.trim() ?? "";
  return /^[+-]?\d{1,15}$/.test(given) ? Number(given) : undefined;
}

function knownMode(mode: string | undefined): "keys" | "documents" | undefined {
  if (mode === undefined) return undefined;
  try {
    return parseReturnMode(mode);
  } catch {
    return undefined;
  }
}
