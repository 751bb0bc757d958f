/**
 * The query face of lockd (query-and-lql.md sections 9 to 11): published documents by content, and
 * how each namespace is searched. Queries take no leases, write nothing and wait for no holder.
 *
 * Requests are unchecked, as everywhere in `Lockd`; checks run in the order of section 9.2.
 */
import type { BodyOut, LockdCall } from "./lockd.ts";

export interface QueryRequest {
  readonly namespace?: string | undefined;
  /** The JSON form of a selector (section 5); absent, null and `{}` match everything. */
  readonly selector?: unknown;
  /** Rows of a page; <= 0 or absent: 100, more than 1000: 1000. */
  readonly limit?: number | undefined;
  /** Of the page before; empty or absent: from the start. */
  readonly cursor?: string | undefined;
  /** Reserved; must be a JSON object when given. */
  readonly fields?: unknown;
  /** `auto` (default), `index` or `scan`. */
  readonly engine?: string | undefined;
  /** `wait_for`: first make findable what was committed before the call. */
  readonly refresh?: string | undefined;
  /** A return mode as a caller spelled it, to be refused in its turn when it is unknown. */
  readonly returnMode?: string | undefined;
}

/** What is known of a page once it is complete. */
export interface QueryEnd {
  /** Present when more may follow. */
  readonly cursor: string | undefined;
  /** Sequence of the index the page was read at; undefined without one. */
  readonly indexSeq: number | undefined;
  /** Section 9.6; unknown names are passed through. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface QueryKeys extends QueryEnd {
  readonly namespace: string;
  /** Ascending. */
  readonly keys: readonly string[];
}

export interface DocumentRow {
  readonly namespace: string;
  readonly key: string;
  /** Published version; belongs to `doc`. */
  readonly version: number;
  /** The whole document. To be read or closed before the next row is asked for. */
  readonly doc: BodyOut;
}

/** Rows as they are found, in ascending order of keys. */
export interface QueryDocuments extends AsyncIterable<DocumentRow> {
  readonly namespace: string;
  /** Undefined until the last row was taken. */
  readonly end: QueryEnd | undefined;
  /** Stops the walk; idempotent. */
  close(): Promise<void>;
}

export interface IndexFlushRequest {
  readonly namespace?: string | undefined;
  /** `wait` (default, also `sync`) or `async`. */
  readonly mode?: string | undefined;
}

export interface IndexFlushResult {
  readonly namespace: string;
  readonly mode: "wait" | "async";
  readonly flushed: boolean;
  /** True while documents are not in the index yet. */
  readonly pending: boolean;
  /** After a flush that was waited for. */
  readonly indexSeq: number | undefined;
  /** Of the flush in the background. */
  readonly flushId: string | undefined;
}

export type QueryEngine = "index" | "scan";
export type FallbackEngine = "scan" | "none";

export interface NamespaceConfig {
  readonly namespace: string;
  readonly preferredEngine: QueryEngine;
  readonly fallbackEngine: FallbackEngine;
  /** Undefined while nothing was stored and the defaults apply. */
  readonly etag: string | undefined;
}

export interface NamespaceConfigRequest {
  readonly namespace?: string | undefined;
}

export interface SetNamespaceConfigRequest extends NamespaceConfigRequest {
  /** What to change; blank and absent members stay as they are. */
  readonly query?:
    | {
        readonly preferredEngine?: string | undefined;
        readonly fallbackEngine?: string | undefined;
      }
    | undefined;
  /** Only when the stored configuration has this etag. */
  readonly ifMatch?: string | undefined;
}

export interface Queries {
  /**
   * Keys of matching documents.
   * @throws invalid_selector, invalid_cursor, query_engine_unavailable, throttled
   */
  keys(request: QueryRequest, call?: LockdCall): Promise<QueryKeys>;
  /** Matching documents as a stream. The request is checked when this resolves. @throws as keys */
  documents(request: QueryRequest, call?: LockdCall): Promise<QueryDocuments>;
  /** @throws invalid_mode, index_unavailable, index_flush_busy */
  flushIndex(request: IndexFlushRequest, call?: LockdCall): Promise<IndexFlushResult>;
  namespaceConfig(request: NamespaceConfigRequest, call?: LockdCall): Promise<NamespaceConfig>;
  /** @throws invalid_namespace_request, namespace_config_conflict */
  setNamespaceConfig(
    request: SetNamespaceConfigRequest,
    call?: LockdCall,
  ): Promise<NamespaceConfig>;
}
