import type {
  IndexFlushRequest,
  IndexFlushResult,
  NamespaceConfig,
  NamespaceConfigRequest,
  Queries,
  QueryDocuments,
  QueryKeys,
  QueryRequest,
  SetNamespaceConfigRequest,
} from "../../api/queries.ts";
import type { CarrierCall } from "../carrier-call.ts";
import type { HttpCarrier } from "../http-carrier.ts";
import { HttpDocuments } from "./http-documents.ts";
import { configResult, flushResult, keysResult } from "./query-answer.ts";
import { configCall, flushCall, queryCall, setConfigCall } from "./query-wire.ts";

/** Queries over HTTP. Nothing is repeated beyond failover (client-sdk.md section 4). */
export class HttpQueries implements Queries {
  readonly #carrier: HttpCarrier;

  constructor(carrier: HttpCarrier) {
    this.#carrier = carrier;
  }

  async keys(request: QueryRequest, call: CarrierCall = {}): Promise<QueryKeys> {
    const wire = queryCall(request, "keys", this.#tryLimitMs);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), keysResult);
  }

  async documents(request: QueryRequest, call: CarrierCall = {}): Promise<QueryDocuments> {
    const wire = queryCall(request, "documents", this.#tryLimitMs);
    const namespace = request.namespace ?? "";
    return await this.#carrier.attempt(
      wire,
      this.#carrier.begin(call),
      (answer) => new HttpDocuments(answer, namespace),
    );
  }

  async flushIndex(request: IndexFlushRequest, call: CarrierCall = {}): Promise<IndexFlushResult> {
    const wire = flushCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), flushResult);
  }

  async namespaceConfig(
    request: NamespaceConfigRequest,
    call: CarrierCall = {},
  ): Promise<NamespaceConfig> {
    const wire = configCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), configResult);
  }

  async setNamespaceConfig(
    request: SetNamespaceConfigRequest,
    call: CarrierCall = {},
  ): Promise<NamespaceConfig> {
    const wire = setConfigCall(request, this.#tryLimitMs);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), configResult);
  }

  get #tryLimitMs(): number {
    return this.#carrier.options.httpTimeoutMs;
  }
}
