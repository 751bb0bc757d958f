import { LockdConfigError } from "../../api/errors.ts";
import type {
  NamespaceConfig as ConfigResult,
  IndexFlushRequest,
  Queries,
  QueryKeys,
  QueryRequest as WireRequest,
} from "../../api/queries.ts";
import { callOptions } from "../call-options.ts";
import type { CarrierCall } from "../carrier-call.ts";
import { queryAllPageDefault } from "../limits.ts";
import type { Call } from "../types.ts";
import { Rows } from "./document-rows.ts";
import { ParsedSelectors } from "./parsed-selectors.ts";
import type {
  DocumentRows,
  IndexFlushResult,
  KeysResult,
  NamespaceConfig,
  NamespaceConfigState,
  QueryMethods,
  QueryRequest,
} from "./query-types.ts";

/** What the calls need of the client they belong to. */
export interface QueryHost {
  readonly namespace: string;
  readonly queries: Queries;
  readonly carrierCall: (o: Call<object> | undefined) => CarrierCall;
}

type AskedQuery = QueryRequest & { return?: "keys" | "documents" | undefined };

/** The query methods of a client (client-sdk.md section 9). */
export class QueryCalls implements QueryMethods {
  readonly #host: QueryHost;
  readonly #selectors: ParsedSelectors;

  constructor(host: QueryHost, selectors = new ParsedSelectors()) {
    this.#host = host;
    this.#selectors = selectors;
  }

  query(r: QueryRequest & { return: "documents" }, o?: Call): Promise<DocumentRows>;
  query(r?: QueryRequest & { return?: "keys" | undefined }, o?: Call): Promise<KeysResult>;
  async query(r: AskedQuery = {}, o?: Call): Promise<DocumentRows | KeysResult> {
    const { queries } = this.#host;
    const call = this.#host.carrierCall(o);
    const request = this.#request(r);
    if (r.return !== "documents") return keysResult(await queries.keys(request, call));
    return new Rows(await queries.documents(request, call), request.namespace ?? "");
  }

  async *queryAll(
    r: QueryRequest & { pageSize?: number | undefined },
    o?: Call,
  ): AsyncGenerator<string> {
    const { pageSize = queryAllPageDefault, ...rest } = r;
    const request = this.#request({ ...rest, limit: pageSize });
    let { cursor } = request;
    do {
      const call = this.#host.carrierCall(o);
      const page = await this.#host.queries.keys({ ...request, cursor }, call);
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async flushIndex(
    ns?: string,
    o?: Call<{ mode?: "async" | "wait" | undefined }>,
  ): Promise<IndexFlushResult> {
    const { mode = "async" } = callOptions(o);
    const request: IndexFlushRequest = { namespace: ns ?? this.#host.namespace, mode };
    const result = await this.#host.queries.flushIndex(request, this.#host.carrierCall(o));
    const { indexSeq, flushId, ...rest } = result;
    return {
      ...rest,
      ...(indexSeq === undefined ? {} : { indexSeq }),
      ...(flushId === undefined ? {} : { flushId }),
    };
  }

  async getNamespaceConfig(ns?: string, o?: Call): Promise<NamespaceConfigState> {
    const request = { namespace: ns ?? this.#host.namespace };
    const call = this.#host.carrierCall(o);
    return configState(await this.#host.queries.namespaceConfig(request, call));
  }

  async updateNamespaceConfig(
    c: Partial<NamespaceConfig>,
    o?: Call<{ namespace?: string | undefined; ifMatch?: string | undefined }>,
  ): Promise<NamespaceConfigState> {
    const { namespace = this.#host.namespace, ifMatch } = callOptions(o);
    const { preferredEngine, fallbackEngine } = c;
    const request = { namespace, query: { preferredEngine, fallbackEngine }, ifMatch };
    const call = this.#host.carrierCall(o);
    return configState(await this.#host.queries.setNamespaceConfig(request, call));
  }

  #request(r: QueryRequest): WireRequest {
    const { lql, selector, namespace, limit, cursor, engine, refresh, fields } = r;
    if (lql !== undefined && selector !== undefined) {
      throw new LockdConfigError("invalid_option", "give lql or selector, not both");
    }
    return {
      namespace: namespace ?? this.#host.namespace,
      selector: lql === undefined ? selector : this.#selectors.get(lql),
      limit,
      cursor,
      engine,
      refresh,
      fields,
    };
  }
}

function keysResult(result: QueryKeys): KeysResult {
  const { namespace, keys, cursor, indexSeq, metadata } = result;
  return {
    namespace,
    keys,
    cursor,
    indexSeq,
    metadata,
    [Symbol.iterator]: () => keys[Symbol.iterator](),
    forEach: async (visit) => {
      for (const key of keys) await visit(key);
    },
  };
}

function configState({ preferredEngine, fallbackEngine, etag }: ConfigResult) {
  const config = { preferredEngine, fallbackEngine };
  return etag === undefined ? { config } : { config, etag };
}
