import type { LockdCall } from "../api/lockd.ts";
import type {
  DocumentRow,
  IndexFlushRequest,
  IndexFlushResult,
  NamespaceConfig,
  NamespaceConfigRequest,
  Queries,
  QueryDocuments,
  QueryEnd,
  QueryKeys,
  QueryRequest,
  SetNamespaceConfigRequest,
} from "../api/queries.ts";
import type { LocalCarrier } from "./local-carrier.ts";

/** Queries of one store on this machine, whoever carries them. */
export class LocalQueries implements Queries {
  readonly #carrier: LocalCarrier;

  constructor(carrier: LocalCarrier) {
    this.#carrier = carrier;
  }

  keys(request: QueryRequest, call?: LockdCall): Promise<QueryKeys> {
    return this.#carrier.read("query", call, (lockd, limited) =>
      lockd.queries.keys(request, limited),
    );
  }

  async documents(request: QueryRequest, call?: LockdCall): Promise<QueryDocuments> {
    const documents = await this.#carrier.read("query", call, (lockd, limited) =>
      lockd.queries.documents(request, limited),
    );
    return new AwakeDocuments(documents, this.#carrier);
  }

  flushIndex(request: IndexFlushRequest, call?: LockdCall): Promise<IndexFlushResult> {
    return this.#carrier.read("index flush", call, (lockd, limited) =>
      lockd.queries.flushIndex(request, limited),
    );
  }

  namespaceConfig(request: NamespaceConfigRequest, call?: LockdCall): Promise<NamespaceConfig> {
    return this.#carrier.read("namespace get", call, (lockd, limited) =>
      lockd.queries.namespaceConfig(request, limited),
    );
  }

  setNamespaceConfig(
    request: SetNamespaceConfigRequest,
    call?: LockdCall,
  ): Promise<NamespaceConfig> {
    return this.#carrier.change("namespace set", call, (lockd, limited) =>
      lockd.queries.setNamespaceConfig(request, limited),
    );
  }
}

/** Documents whose walk keeps the process alive: an engine in it rests on timers that do not. */
class AwakeDocuments implements QueryDocuments {
  readonly #documents: QueryDocuments;
  readonly #carrier: LocalCarrier;

  constructor(documents: QueryDocuments, carrier: LocalCarrier) {
    this.#documents = documents;
    this.#carrier = carrier;
  }

  get namespace(): string {
    return this.#documents.namespace;
  }

  get end(): QueryEnd | undefined {
    return this.#documents.end;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DocumentRow> {
    const rows = this.#documents[Symbol.asyncIterator]();
    try {
      for (;;) {
        const row = await this.#carrier.awake.during(() => rows.next());
        if (row.done === true) return;
        yield row.value;
      }
    } finally {
      await this.close();
    }
  }

  close(): Promise<void> {
    return this.#documents.close();
  }
}
