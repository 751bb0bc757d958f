import { failure } from "../../api/errors.ts";
import type { LockdCall } from "../../api/lockd.ts";
import type {
  IndexFlushRequest,
  IndexFlushResult,
  NamespaceConfig,
  NamespaceConfigRequest,
  Queries,
  QueryDocuments,
  QueryEngine,
  QueryKeys,
  QueryRequest,
  SetNamespaceConfigRequest,
} from "../../api/queries.ts";
import { compileSelector } from "../../lql/match/compile-selector.ts";
import type { EngineParts } from "../engine-parts.ts";
import { queriesRunningMax, queryRetryAfterMs } from "../limits.ts";
import { type CheckedQuery, checkQuery } from "./checked-query.ts";
import { keyOfCursor } from "./cursor.ts";
import { DocumentStream } from "./document-stream.ts";
import { IndexFlushes } from "./index-flushes.ts";
import { NamespaceConfigs } from "./namespace-configs.ts";
import { indexSource, scanSource } from "./page-source.ts";
import { RunningQuery } from "./running-query.ts";
import { ScanTurns } from "./scan-turns.ts";
import { Walk } from "./walk.ts";

const noCall: LockdCall = {};

/** Queries over the store of an engine: by reading everything, or by what its index proposes. */
export class EngineQueries implements Queries {
  readonly #parts: EngineParts;
  readonly #configs: NamespaceConfigs;
  readonly #flushes: IndexFlushes;
  readonly #turns: ScanTurns;
  #running = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#configs = new NamespaceConfigs(parts.options);
    this.#flushes = new IndexFlushes(parts.options);
    this.#turns = new ScanTurns(parts.options.clock);
  }

  async keys(request: QueryRequest, call: LockdCall = noCall): Promise<QueryKeys> {
    const checked = checkQuery(request, this.#parts.options.defaultNamespace);
    const query = await this.#begin(checked, { call, opens: false });
    try {
      const keys: string[] = [];
      for (;;) {
        const match = query.ready() ?? (await query.next());
        if (match === undefined) break;
        keys.push(match.key);
      }
      const { cursor, indexSeq, metadata = {} } = query.end ?? {};
      return { namespace: checked.namespace, keys, cursor, indexSeq, metadata };
    } finally {
      this.#running -= 1;
    }
  }

  async documents(request: QueryRequest, call: LockdCall = noCall): Promise<QueryDocuments> {
    const { defaultNamespace, jsonBytesMax } = this.#parts.options;
    const checked = checkQuery(request, defaultNamespace);
    const query = await this.#begin(checked, { call, opens: true });
    const closed = (): void => {
      this.#running -= 1;
    };
    return new DocumentStream({ namespace: checked.namespace, query, jsonBytesMax, closed });
  }

  flushIndex(request: IndexFlushRequest, call: LockdCall = noCall): Promise<IndexFlushResult> {
    return this.#flushes.flush(request, call);
  }

  namespaceConfig(request: NamespaceConfigRequest): Promise<NamespaceConfig> {
    return this.#configs.read(request);
  }

  setNamespaceConfig(request: SetNamespaceConfigRequest): Promise<NamespaceConfig> {
    return this.#configs.change(request);
  }

  /** Ends flushes in the background. */
  close(): Promise<void> {
    return this.#flushes.close();
  }

  /** Steps 11 to 15 of section 9.2, then the refresh; counted as running when it resolves. */
  async #begin(
    checked: CheckedQuery,
    { call, opens }: { readonly call: LockdCall; readonly opens: boolean },
  ): Promise<RunningQuery> {
    const { options } = this.#parts;
    const engine = await this.#resolveEngine(checked);
    if (this.#running >= queriesRunningMax) {
      const detail = `${queriesRunningMax} queries are running`;
      const details = { retryAfterMs: queryRetryAfterMs, qrfState: "engaged" };
      throw failure("throttled", detail, details);
    }
    this.#parts.refuseWhenDraining();
    const after = keyOfCursor(engine, checked.cursor);
    const { namespace, selector, limit } = checked;
    const { signal } = call;
    const index = engine === "index" ? options.index : undefined;
    this.#running += 1;
    try {
      if (index !== undefined && checked.waitsForIndex) await index.flush(namespace, signal);
      const source =
        index === undefined
          ? scanSource(options.store, namespace)
          : indexSource({ index, store: options.store }, { namespace, selector, limit });
      const matcher =
        selector.root.kind === "all"
          ? undefined
          : compileSelector(selector, { nowMs: options.clock.wallMs() });
      const pacer = this.#turns.newcomer();
      const walk = new Walk(options, { namespace, source, matcher, after, opens, pacer, signal });
      return new RunningQuery({ engine, walk, limit });
    } catch (error) {
      this.#running -= 1;
      throw error;
    }
  }

  /** Section 10. @throws query_engine_unavailable */
  async #resolveEngine({ engine, namespace }: CheckedQuery): Promise<QueryEngine> {
    const { preferredEngine, fallbackEngine } = await this.#configs.current(namespace);
    const hasIndex = this.#parts.options.index !== undefined;
    const mayScan = preferredEngine === "scan" || fallbackEngine === "scan";
    if (engine !== "scan" && preferredEngine === "index" && hasIndex) return "index";
    if (engine !== "index" && mayScan) return "scan";
    const configured = `prefers ${preferredEngine}, falls back to ${fallbackEngine}`;
    const why = hasIndex ? configured : `${configured}; this store has no index`;
    const wanted = engine === "auto" ? "no engine is" : `engine ${engine} is not`;
    throw failure("query_engine_unavailable", `${wanted} available: ${namespace} ${why}`);
  }
}
