import type { FallbackEngine, QueryEngine } from "../../api/queries.ts";
import type { Selector } from "../../lql/selector/selector.ts";
import type { Call, OnceBody } from "../types.ts";

export interface QueryRequest {
  /** A selector as text: `/status=open,/n>=10`; not together with `selector`. */
  lql?: string | undefined;
  /** A selector as JSON; with neither, everything matches. */
  selector?: Selector | undefined;
  namespace?: string | undefined;
  /** Rows of the page, at most 1000; 100. */
  limit?: number | undefined;
  /** Of the page before. */
  cursor?: string | undefined;
  engine?: "auto" | QueryEngine | undefined;
  /** First make findable what was committed before. */
  refresh?: "wait_for" | undefined;
  /** Reserved. */
  fields?: Record<string, unknown> | undefined;
}

export interface QueryInfo {
  readonly namespace: string;
  /** Present when more may follow. */
  readonly cursor?: string | undefined;
  readonly indexSeq?: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface KeysResult extends QueryInfo, Iterable<string> {
  readonly keys: readonly string[];
  /** Calls `visit` for one key after the other. */
  forEach(visit: (key: string) => void | Promise<void>): Promise<void>;
}

export interface QueryRow {
  readonly namespace: string;
  readonly key: string;
  readonly version?: number | undefined;
  /** Readable once, until the next row is asked for. */
  readonly doc: OnceBody;
}

/**
 * Rows as they arrive, in constant memory. `cursor`, `indexSeq` and `metadata` are there once the
 * iteration has ended; leaving it early cancels the request.
 */
export interface DocumentRows extends QueryInfo, AsyncIterable<QueryRow>, AsyncDisposable {
  /** Takes all rows and keeps their keys. */
  keys(): Promise<string[]>;
  /** Calls `visit` for one row after the other. */
  forEach(visit: (row: QueryRow) => void | Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export interface IndexFlushResult {
  readonly namespace: string;
  readonly mode: "wait" | "async";
  readonly flushed: boolean;
  readonly pending: boolean;
  readonly indexSeq?: number;
  /** Of a flush in the background. */
  readonly flushId?: string;
}

export interface NamespaceConfig {
  preferredEngine: QueryEngine;
  fallbackEngine: FallbackEngine;
}

/** A configuration as it stands; without an etag the defaults apply. */
export interface NamespaceConfigState {
  readonly config: NamespaceConfig;
  readonly etag?: string;
}

/** Finding documents by their content, and how namespaces are searched. */
export interface QueryMethods {
  query(r: QueryRequest & { return: "documents" }, o?: Call): Promise<DocumentRows>;
  /** @throws LqlSyntaxError without a request when the text does not parse */
  query(r?: QueryRequest & { return?: "keys" | undefined }, o?: Call): Promise<KeysResult>;
  /** All keys, page after page. */
  queryAll(r: QueryRequest & { pageSize?: number | undefined }, o?: Call): AsyncIterable<string>;
  flushIndex(
    ns?: string,
    o?: Call<{ mode?: "async" | "wait" | undefined }>,
  ): Promise<IndexFlushResult>;
  getNamespaceConfig(ns?: string, o?: Call): Promise<NamespaceConfigState>;
  /** @throws ConflictError when the etag is another one */
  updateNamespaceConfig(
    c: Partial<NamespaceConfig>,
    o?: Call<{ namespace?: string | undefined; ifMatch?: string | undefined }>,
  ): Promise<NamespaceConfigState>;
}
